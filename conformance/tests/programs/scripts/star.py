from numpy import *

random.seed(1)
rows = array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
answers = array([[0, 1, 1, 0]]).T

lower = random.rand(3, 4)
upper = random.rand(4, 1)


def act(t):
    return 1 / (1 + exp(-t))


def act_slope(p):
    return p * (1 - p)


for i in range(1500):
    middle = act(dot(rows, lower))
    output = act(dot(middle, upper))
    if i % 500 == 0:
        print(i, "loss", mean(square(answers - output)))
    d_output = 2 * (answers - output) * act_slope(output)
    d_upper = dot(middle.T, d_output)
    d_lower = dot(rows.T, dot(d_output, upper.T) * act_slope(middle))
    lower = lower + d_lower
    upper = upper + d_upper
