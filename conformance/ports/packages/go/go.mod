module backprop.test/fixtures

go 1.21
