// Package fixtures has the recorded cases: Cases lists them, Read gives the numbers of one.
package fixtures

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"sync"
)

//go:embed cases.json
var index []byte

//go:embed cases.bin
var raw []byte

// Version is that of the corpus, which is that of this module.
const Version = "@version@"

// Case is the description of a case; see the README for its fields.
type Case struct {
	ID    string `json:"id"`
	Sizes []int  `json:"sizes"`
	// Activations are those of the layers 2 to L.
	Activations []string `json:"activations"`
	Cost        string   `json:"cost"`
	Update      string   `json:"update"` // sgd, momentum, nesterov, rmsprop, adam or adamw
	// Constants are those of the update: mu, rho, epsilon, as far as it has them.
	Constants map[string]float64 `json:"constants"`
	Eta       float64            `json:"eta"`
	Lmbda     float64            `json:"lmbda"`
	// N is the size of the training set, by which Lmbda is divided.
	N     int    `json:"n"`
	DType string `json:"dtype"`
	// Batches are the samples of the mini-batch of each step.
	Batches [][]int `json:"batches"`
	Why     string  `json:"why"`
	// Catches are known mistakes that the case shows.
	Catches []string `json:"catches"`
	// Quantities are the names of what a step computes, in causal order.
	Quantities []string `json:"quantities"`
}

// recorded says where the numbers of a case lie in cases.bin, one tensor behind the other.
type recorded struct {
	Case
	Offset  int                 `json:"offset"`
	Tensors [][]json.RawMessage `json:"tensors"` // name and shape; a 1 where tolerances follow
}

// Tensor is a matrix, row-major; the numbers of a float32 case are doubles too, and exact.
type Tensor struct {
	Shape []int // rows and columns; empty of the cost
	Data  []float64
}

// Cases gives every case, without its numbers.
func Cases() ([]Case, error) {
	listed, err := list()
	cases := make([]Case, len(listed))
	for i, each := range listed {
		cases[i] = each.Case
	}
	return cases, err
}

// Read gives the tensors of a case by their names: w2, 0/x, 0/z2, bound/0/z2, …
func Read(id string) (map[string]Tensor, error) {
	listed, err := list()
	if err != nil {
		return nil, err
	}
	for _, each := range listed {
		if each.ID == id {
			return each.numbers()
		}
	}
	return nil, fmt.Errorf("there is no case %s", id)
}

var list = sync.OnceValues(func() ([]recorded, error) {
	var read struct {
		SchemaVersion int        `json:"schema_version"`
		Cases         []recorded `json:"cases"`
	}
	if err := json.Unmarshal(index, &read); err != nil {
		return nil, err
	}
	if read.SchemaVersion != 1 {
		return nil, fmt.Errorf("schema version %d, not 1", read.SchemaVersion)
	}
	return read.Cases, nil
})

func (r recorded) numbers() (map[string]Tensor, error) {
	tensors := make(map[string]Tensor, len(r.Tensors))
	at := r.Offset
	add := func(name string, shape []int) {
		size := 1
		for _, each := range shape {
			size *= each
		}
		data := make([]float64, size)
		for i := range data {
			if r.DType == "float32" {
				data[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[at:])))
				at += 4
			} else {
				data[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[at:]))
				at += 8
			}
		}
		tensors[name] = Tensor{shape, data}
	}
	for _, entry := range r.Tensors {
		var name string
		if err := json.Unmarshal(entry[0], &name); err != nil {
			return nil, err
		}
		var shape []int
		if err := json.Unmarshal(entry[1], &shape); err != nil {
			return nil, err
		}
		add(name, shape)
		if len(entry) > 2 {
			add("bound/"+name, shape)
		}
	}
	return tensors, nil
}
