"""Optimizers: gradients, update and state in one run.

An optimizer is made for variables of an environment, by default for all of its default namespace:

>>> env = ag.VariableEnvironment()
>>> w = env.name("w").set(np.array([1.0, -2.0]))
>>> optimizer = ag.optimizers.Adam(env=env, alpha=0.1)
>>> with ag.Context(env) as ctx:
...     x, v = ctx.placeholder("x", [2]), ctx.variable("w")
...     loss = T.square(v - x).sum()
...     grads = T.grad([loss], [v])
...     for _ in range(100):
...         optimizer.update([v], grads, ctx, {x: [3.0, 4.0]})
>>> np.abs(env["w"] - [3.0, 4.0]).max() < 0.2
np.True_

A step that fails (a bad feed, a label out of range, a gradient that is not finite where that is checked) leaves every
variable and all state as they were.

Hyperparameters are properties: one that is set takes effect at the next step, without a new graph or plan. What the
constructor refuses, such as a negative rate or NaN, the property refuses too, and then keeps its value.

A schedule of `ag.optimizers.schedules` gives the rate of each step, `optimizer.alpha = schedule(step)`. `T.clip`, `T.clip_by_norm` and
`T.clip_by_global_norm` make shorter gradients of gradients.

State belongs to the variables and is saved with them: what Adam keeps for `w` is `"w.m"`, `"w.v"` and `"w.t"` in a namespace of the
environment, `"adam"` by default. An optimizer whose `namespace` is given goes on with the state that is there. One whose namespace is
not given goes on with state that was loaded; state that another optimizer uses it refuses, so that two never share any unasked.
"""

from . import schedules
from ._adam import Adam, AdamW, NAdam
from ._descent import SGD, Lion, MomentumSGD, Nesterov
from ._scaled import Adadelta, AdaGrad, RMSprop

__all__ = ["SGD", "AdaGrad", "Adadelta", "Adam", "AdamW", "Lion", "MomentumSGD", "NAdam", "Nesterov", "RMSprop", "schedules"]
