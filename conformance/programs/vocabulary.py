"""The table of shapes: what people call functions, arguments, parameters and gradients.

A name is compared in lower case and without underscores. Left out: what is done with it.
"""

import re
from collections.abc import Iterable
from functools import cache

# ruff: noqa: E501 - a pattern is longer than a line

Pattern = re.Pattern[str]


@cache
def bare(name: str) -> str:
    """A name in lower case without underscores: `X_train` is `xtrain`."""
    return re.sub(r"[\W_]", "", name.lower())


def _patterns(*patterns: str) -> tuple[Pattern, ...]:
    return tuple(map(re.compile, patterns))


GRADIENTS = r"(?:grads?|gradient(?:s|en?|es|i)?)"
DERIVATIVES = (
    rf"(?:{GRADIENTS}|derivatives?|derivadas?|derivat[ae]|d[eé]riv[eé]es?|ableitung(?:en)?)"
)
"""What people call gradients and derivatives."""

KINDS: dict[str, Pattern] = {
    kind: re.compile(pattern)
    for kind, pattern in {
        "inputs": r"xs?|tx|x(train|batch|data|in|input|b|i)|(train|batch|input|mini)x|a0|images?"
        r"|inputs?(data|list|s|batch)?|data(set)?|features|samples?|batch"
        r"|training(set)?(inputs|examples)|train(ing)?data|imgs?|obs|observations?|states",
        "row": r"rows?",
        "sample weights": r"(sample|case|observation)weights?",
        "sample values": r"returns?|advantages?|advs?|rewards?|ratings?|tdtargets?|baselines?",
        "adjacency": r"adj(acency)?(matrix|mat|norm|hat)?|(norm|normalized)adj|a(hat|norm|tilde|adj)|lap(lacian)?",
        "users": r"users?(s|idx|ids?|indices)?",
        "items": r"(items?|movies?)(idx|ids?|indices)?",
        "mask": r"(\w+)?mask\w*",
        "targets": r"ys?|t|y(train|batch|true|data|i|list|b|labels?)|(train|batch|mini|onehot)y|ally(trues)?"
        r"|targets?(list|data)?|labels?|(expected|desired|actual|true|target)(output|value|y|label)?s?"
        r"|(ground)?truth|gt|actions?(taken)?|training(set)?outputs|trainlabels|onehot(labels|targets)?|(y|labels?|targets?)onehot|tvec|(is)?(same|similar)",
        "logits": r"logits?",
        "output": r"logits?|o|out|outputs?|yhat|ypred(icted)?|y_?p|preds?|predict(ed|ions?)|al|aout|aoutput"
        r"|prob(abilitie)?s|scores?|final(outputs?)|netout(put)?|result|h|hx|activations?",
        "rate": r"lr|(l|learn(ing)?)?rate|alpha|eta|stepsize|ta[sx]a(de)?(aprendi\w+)?|α|η",
        "count": r"(n|num)?(epochs?|iter(ation)?s?)|maxiter(ation)?s?|steps|numsteps|maxepochs?"
        r"|numberof(epochs|trainingiterations|iterations)|trainingiterations"
        r"|(n|num|nb)?([eé]po(ca|que)s?|epochen|itera(cion|[cç][aã]o|[cç][oõ]|tion)(es|en)?)",
        "batchsize": r"(mini)?batchsize|bs|sizeofbatch",
        "penalty": r"reg|regstrength|lambdar?|lam|lm?bda?|lmda?|lambd|l[12](reg|lambda|penalty)?|reglambda"
        r"|weightdecay|decay|regularization|λ",
        "sizes": r"layers?|sizes|(layer|layers|net|network)?(sizes|dims|dimensions|list|structure)"
        r"|architecture|topology|structure|dims|nodes|neurons|units"
        r"|(tama[nñ]h?os|camadas|capas|couches|schichten)(camadas|capas)?",
        "picture shape": r"(input|in|image|img)(shape|dims?|dimensions)",
        "side": r"(input|in|image|img)?(size|side|h|w|height|width)",
        "channels": r"(in|input|n|num|image|img)?channels(in)?|cin|c",
        "filters": r"(n|num|nb|number)?(of)?(conv)?(filters|kernels|featuremaps|f)\d?|(conv)?outchannels",
        "kernel": r"(kernel|filter|conv)(size|dim|width)|ksize|kernel",
        "pool": r"pool(ing)?(size|dim|width)?",
        "n_in": r"n?(in|inputs?|x|feat(ure)?s?|i|d|din)|fin|(n|num|number)(of)?(in|inputs?|features|x)(nodes|neurons|units)?"
        r"|inputs?(size|dim|len(gth)?|nodes|neurons|units|layer|layersize|features|number|s)"
        r"|(size|dim|d)(in|input)|in(features|nodes|channels|planes)|inputchannels|cin|d|dim|fanin|nx"
        r"|(d|n)?(model|embd?|embed(ding)?)(dim|size|d)?|embeddim|vocab(ulary)?(size|len)?"
        r"|(n|num)(rows|users|states)|(obs|observations?|state)(dim|size|s)",
        "n_hidden": r"fhid|n?(h|hid|hidden|hiddens)|(n|num|number)(of)?(h|hid|hidden)(nodes|neurons|units|s)?"
        r"|hidden(size|dim|nodes|neurons|units|layer|layersize|layernodes|s)|(size|dim|d)(h|hidden)|nh|width"
        r"|rank|(n|num)(latent)?factors|latentdim",
        "n_hiddens": r"hidden(sizes|dims|layers|layersizes|list|units)|hiddens"
        r"|hidden(layers?)?(sizes?|dims?|units?|nodes?|neurons?)list",
        "n_out": r"fout|n?(out|outputs?|y|class(es)?|cls|o|c|k|dout)|(n|num|number)(of)?(out|outputs?|classes|labels|y)(nodes|neurons|units)?"
        r"|outputs?(size|dim|nodes|neurons|units|layer|layersize|features|number|s)"
        r"|(n|num)?(neurons|units|nodes|filters|kernels)|(size|dim|d)(out|output)|k|c|fanout|ny|classes"
        r"|out(features|nodes|channels|planes)|outputchannels|cout|(n|num)(col(umn)?|item|action)s|actions?(dim|size)",
        "m": r"m(batch|train)?|n|batch|nsamples|numsamples|numexamples|samples",
        "params": r"(params?|parameters?)(values|dict)?|weights|theta|thetas|w|nnparams|model|net(work)?|p|wb|weightsandbiases|unrolled|layers|camadas|capas|couches|schichten",
        "cache": r"caches?|memory|m[eé]m[oó](ria|ire)s?|ctx|context|tape|intermediates|store|forwardcache|activations",
        "grads": rf"{GRADIENTS}|derivatives|derivadas|dparams|updates|dtheta",
        "pairs": r"training(data|set)|minibatch|dataset|data|batch|trainset|ratings|triples|interactions"
        r"|(mini)?(lotes?|lots?)",
        "upstream": r"d(values?|out(put)?s?|[yzahx]s?|s|hidden(state)?s?|next|upstream|l(oss)?d\w*|j\w*|e\w*)?"
        r"|g|grad(s|wrt)?(outputs?|out|next|in|y|z|a)?|(output|out|upstream|next|incoming)(grad(ient)?|error|delta)s?"
        rf"|\w*({DERIVATIVES}|errors?|deltas?|upstream)(signal|term)?"
        r"|dldout|accumgrad",
        "state": r"(h|hs|hidden|a|s|state)_?(prev|0|init|state)?|prev(ious)?(h|hidden)?(state)?",
        "activation": r"act(ivation)?(s|function|fn|type|name)?|nonlinearity",
        "seed": r"seed|randomstate|randomseed",
        "generator": r"rng|rnd|rand|gen(erator)?|random(generator)?",
        "quiet": r"verbose|debug|plot|print(cost|loss|every|s)?|show(plot)?|log(every)?",
    }.items()
}  # fmt: skip

NETWORKS = r"(l|l2|nn|full|net|network|mlp|model|lmodel|l2layer|two?layer|two?layernet)?"

LOSSES = (
    r"xent(ropy)?|cross_?entrop(y|ie)|perte|verlust|kosten|custo|perd(id)?a|perdita|co[uû]t"
    r"|neg(ative)?_?log_?\w+|strat[ay]|koszt|ztr[aá]ta|kay.p|verlies|f[oö]rlust|kostnad"
)
"""What losses are called, in some languages."""

ERRORS = (
    r"err(or|eur|o|ore)?|fehler|fout|hata|hiba|fel|blad|oshibka|sse|rss|chi_?(2|sq\w*)|χ_?2"
    r"|ошибка|потери|похибка|损失|損失|误差|誤差|오차|손실|오류"
)
"""What the sum of squares that is to get less is called in some languages."""

ROLES: dict[str, tuple[Pattern, ...]] = {
    "init": _patterns(
        r"(rand(om)?(ly)?)?(init|initiali[sz]e|initiali[sz]ation|create|make|get|build|new|setup)"
        r"(random)?(the|nn|model|all)?(parameters|params|weights|network|model|theta|thetas"
        r"|weightsandbiases|layers|wb)(deep|he|random|all)?",
        r"init|initiali[sz]e(all|he|random|xavier)?|random(weights|params|init)",
    ),
    "forward": _patterns(
        NETWORKS + r"(forward|feedforward|fprop|propagateforward|fwd)"
        r"(prop|pass|propagation|propagate|step|all|model|network|nn|propogation|propagationwithreg.*)?",
        r"query|think|activate|compute|(compute|calc|calculate|get)outputs?|call|propagate|ff|run(network)?|propag(ar|aci[oó]n|a[cç][aã]o|er|ationav(ant)?)",
        r"predict(proba|ions?)?|infer(ence)?|output|hypothesis|evaluate|predecir|prever|predire",
    ),
    "loss": _patterns(
        r"(compute|calc|calculate|get|total|eval|nn)?(the)?(loss|cost|error|objective|j)(function|fn|func|fun|value)?"
        r"(withreg.*)?",
        r"(binary|categorical)?crossentropy(loss|cost)?|(mse|bce|nll|ce|sse|quadratic|logloss|meansquared(d)?(error)?)(loss|cost)?"
        r"|squarederror|squaredloss|nllloss|softmaxloss|(calcular?)?(cost[oe]|p[eé]rdida)",
        rf"(compute|calc|calculate|get|total|mean|berechne|calcul(ar?|er)?)?({LOSSES}|{ERRORS})s?",
    ),
    "backward": _patterns(
        NETWORKS + r"(backward|backwards|backprop|bprop|propagatebackward|feedbackward|bwd|pull|pullback|vjp|backpropagation|backpropagate|backpropogation)"
        r"(prop|pass|propagation|propagate|step|all|model|network|nn|propogation|propagationwithreg.*)?(errors?)?",
        rf"(compute|calc|calculate|get|find|analytic(al)?)?(the)?{DERIVATIVES}",
        r"(cost|loss)(function)?(prime|gradient|grad|derivative)|(gradient|grad)s?of.*|lossandgrad(s|ients?)?|lossgrad"
        r"|r[eé]tropropag(ar|aci[oó]n|a[cç][aã]o|er|ation)|propagationar(ri[eè]re)?",
    ),
    "update": _patterns(
        r"(update|apply|adjust)(the)?(params?|parameters|weights|bias(es)?|weightsandbiases|gradients?|grads?|all|model|network|layers?)?"
        r"(withgd|sgd|gd)?",
        r"(gradientdescent|sgd|optimi[sz]er?)?(step|update)",
        r"optimi[sz]e|gradientdescent|sgd|descend|(ac?tuali[zs]|ajust)ar(pesos|par[aâá]metros)?",
    ),
    "train": _patterns(
        r"(train|learn|fit|sgd|update|gradientdescent|optimi[sz]e)?(one)?(step|batch|onbatch|minibatch|sample)(train|update)?",
        r"train(network|model|nn|ing|one|once|epoch)?|entrenar|treinar|entra[iî]ner",
        r"fit(one)?",
        r"learn|partialfit|update|sgd|gradientdescent|optimi[sz]e|(nn)?model|(loss|cost)and(step|update)",
    ),
}  # fmt: skip
"""What a function does, by its name; those that come first in a line are taken first."""

NOT_THESE = re.compile(r".*(numerical|numeric|check|approx|test|plot|accuracy|score).*")
"""Functions of these names are none of them."""

WEIGHT = re.compile(
    r"(w|weights?|theta|thetas|kernel|wih|who|wxh|synapticweights|syn|filters?|weightmatrix)[a-z]{0,3}\d*"
    r"|weights?\w*|w\d*[a-z]{0,3}\d*|theta\d+|coefs?\d*"
    r"|w(gate|down|query|value|input|output|hidden|proj|embed)\d*"
)
BIAS = re.compile(r"(b|bias|biases|bh|bo|by|beta|intercepts?)\d*[a-z]{0,2}\d*|bias\w*")

SETTING = re.compile(
    r"veloc|moment|decay|regulari[sz]|penalt|lambda|l[12]$|init|scale$|std$|rate$|size$|shape$"
)
"""What is done with parameters or kept beside them, such as `weight_decay`, and is none."""

DECAY = re.compile(r"wd|weightdecay|l[12](reg|lambda|penalty)?")
"""A number of an optimiser by which weights decay; of an argument `wd` may be an array."""

GRADIENT = re.compile(
    rf"^(?:(?:d(?:j|c|l|loss|cost|error|e)d|d(?!erivada|rop|.*(?:{DERIVATIVES}|updates?)$)"
    rf"|grads?|gradients?|derivada|nabla|partial|g(?!.*(?:{DERIVATIVES}|updates?)$)|dedw?)(?=.)|)"
    rf"(?P<stem>.+?)(?:{DERIVATIVES}|updates?|)$"
)
"""The name of a gradient around the name of its parameter: `dW`, `grad_W`, `gamma_grad`."""


def is_role(name: str, role: str) -> int | None:
    """How well a name tells a role, 0 best; None if it does not."""
    words = bare(name)
    if NOT_THESE.fullmatch(words):
        return None
    return next((i for i, each in enumerate(ROLES[role]) if each.fullmatch(words)), None)


def is_plain(name: str) -> bool:
    """Whether a method may be called by others: `net(X)` calls `__call__`."""
    return not name.startswith("__") or name == "__call__"


ARRAY = re.compile(r"(tensor|matrix|vector|array)$")
"""What a name may end with that tells no more than that it is an array: `label_tensor`."""


@cache
def kinds_of(name: str) -> tuple[str, ...]:
    """The kinds of argument that a name may mean, in the order of the table."""
    words = bare(name)
    found = tuple(kind for kind, pattern in KINDS.items() if pattern.fullmatch(words))
    plain, of = ARRAY.sub("", words), stem(name)
    if not found and plain in ("", words):
        return ("upstream",) if of != words and "output" in kinds_of(of) else ()  # such as dscore
    return found or kinds_of(plain)


@cache
def is_parameter(name: str) -> bool:
    """Whether an array of this name is weights or biases."""
    words = bare(name)
    known = WEIGHT.fullmatch(words) or BIAS.fullmatch(words)
    return bool(known) and SETTING.search(words) is None


@cache
def stem(name: str) -> str:
    """The name of the parameter in the name of a gradient; else the name itself."""
    words = bare(name)
    found = GRADIENT.match(words)
    return found["stem"] if found else words


def is_gradient(name: str) -> bool:
    """Whether what is returned may be a gradient by its name: it is named so, or has none."""
    kinds = {"upstream", "grads"} & {*kinds_of(name)}
    return bool(kinds) or not name.isidentifier() or stem(name) != bare(name)


def is_upstream(name: str) -> bool:
    """Whether a name is that of one gradient: by the table, or where that knows no such name."""
    kinds = kinds_of(name)
    return "upstream" in kinds or ({*kinds} <= {"grads"} and stem(name) != bare(name))


def differentiated(name: str, others: Iterable[str]) -> str:
    """Which of some names a gradient is of by its own: `dl_dz` and `dkl_dz` of z; nothing if none."""
    words = bare(name)
    told = (e for e in others if words != stem(name) == bare(e) or _is_by(words, bare(e)))
    return next(told, "")


def _is_by(words: str, variable: str) -> bool:
    """Whether a name is that of a derivative by a variable."""
    return bool(variable) and re.fullmatch(rf"d\w+d{variable}", words) is not None


def names_gradients(name: str) -> bool:
    """Whether a name is that of gradients, or of one."""
    plain = stem(name)
    named = plain != bare(name) and (is_parameter(plain) or "params" in kinds_of(plain))
    words = bare(name)
    return named or words.startswith("grad") or "grads" in kinds_of(name) or words == "g"
