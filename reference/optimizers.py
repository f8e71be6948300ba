import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map

from reference.cases import Call, Family, encode, plain, written

case = Family("optimizers")


def tree(dtype=mx.float32):
    return {
        "weight": case.floats(3, 2, dtype=dtype),
        "layers": [{"bias": case.floats(4, dtype=dtype)}, {"weight": case.floats(2, 3, dtype=dtype)}],
    }


def steps(name, *args, parameters=None, make=None, **kwargs):
    """Three steps with gradients that are given, the parameters after each and the state at the end."""
    parameters = parameters or tree()
    gradients = [
        make() if make else tree_map(lambda p: case.floats(*p.shape, dtype=p.dtype), parameters) for _ in range(3)
    ]
    what = {"optimizer": name, **written(f"optimizers.{name}", args, kwargs), "parameters": encode(parameters)}
    optimizer, after = getattr(optim, name)(*plain(args), **kwargs), []
    for g in gradients:
        parameters = optimizer.apply_gradients(g, parameters)
        mx.eval(parameters, optimizer.state)
        after.append(parameters)
    state = dict(tree_flatten(optimizer.state))
    return case.add({**what, "gradients": encode(gradients), "expect": encode(after), "state": encode(state)})


def half(name, *args, **kwargs):
    for dtype in [mx.float16, mx.bfloat16]:
        steps(name, *args, parameters=tree(dtype), **kwargs)


steps("SGD", 0.1)
steps("SGD", 0.1, momentum=0.9)
steps("SGD", 0.1, momentum=0.9, nesterov=True)
steps("SGD", 0.1, momentum=0.9, dampening=0.25, weight_decay=0.05)
steps("SGD", 0.05, weight_decay=0.1)
half("SGD", 0.1, momentum=0.9)
steps("RMSprop", 0.02)
steps("RMSprop", 0.02, alpha=0.8, eps=0.01)
steps("Adagrad", 0.1)
steps("Adagrad", 0.1, eps=0.5)
steps("AdaDelta", 0.5)
steps("AdaDelta", 0.5, rho=0.7, eps=0.01)
for name in ["Adam", "AdamW"]:
    steps(name, 0.01)
    steps(name, 0.01, bias_correction=True)
    steps(name, 0.1, betas=[0.5, 0.75], eps=0.1)
    half(name, 0.01)
    half(name, 0.01, bias_correction=True)
steps("AdamW", 0.1, weight_decay=0.5)
steps("AdamW", 0.1, weight_decay=0.3, betas=[0.6, 0.7], eps=0.01, bias_correction=True)
steps("Adamax", 0.01)
steps("Adamax", 0.1, betas=[0.5, 0.75], eps=0.1)
steps("Lion", 0.01)
steps("Lion", 0.1, betas=[0.5, 0.75], weight_decay=0.25)
steps("Adafactor")
steps("Adafactor", 0.02, relative_step=False)
steps("Adafactor", 0.02, relative_step=False, scale_parameter=False, beta_1=0.9, weight_decay=0.1)
steps("Adafactor", eps=[1e-20, 0.5], clip_threshold=0.3, decay_rate=-0.5)
steps("Adafactor", warmup_init=True, beta_1=0.5)
half("Adafactor")
matrices = {"weight": case.floats(4, 3), "bias": case.floats(3), "kernel": case.floats(2, 3, 2)}
for options in [{}, dict(momentum=0.5, nesterov=False), dict(weight_decay=0.2, ns_steps=3)]:
    # Newton and Schulz make small differences larger, but not by more than this.
    steps("Muon", 0.02, parameters=matrices, **options)["tolerance"] = 1e-4

# A schedule in place of the learning rate.
steps("SGD", Call("optimizers.linear_schedule", 0.5, 0.1, 2), momentum=0.5)
steps("AdamW", Call("optimizers.cosine_decay", 0.1, 2, end=0.01))


def schedule(name, *args, **kwargs):
    for step in [0, 1, 2, 5, 7, 30]:
        case(f"optimizers.{name}", *args, then=[mx.array(step, mx.uint64)], **kwargs)
    case(f"optimizers.{name}", *args, then=[mx.array(3)], **kwargs)


schedule("exponential_decay", 0.5, 0.9)
schedule("step_decay", 0.5, 0.7, 3)
schedule("cosine_decay", 0.5, 8)
schedule("cosine_decay", 0.5, 8, end=0.125)
schedule("linear_schedule", 0.1, 0.9, 6)
schedule("linear_schedule", 0.9, 0.1, 6)
schedule("linear_schedule", 0, 10, 5)
pieces = [
    Call("optimizers.linear_schedule", 0.0, 0.5, 3),
    Call("optimizers.cosine_decay", 0.5, 10),
    Call("optimizers.exponential_decay", 0.25, 0.5),
]
schedule("join_schedules", pieces[:2], [3])
schedule("join_schedules", pieces, [2, 6])
for name, *args in [
    ("step_decay", 0.5, 0.7, 0), ("cosine_decay", 0.5, 0), ("linear_schedule", 0.1, 0.9, 0), ("join_schedules", [], []),
    ("join_schedules", pieces, [3]),
]:  # fmt: skip
    case.throws(f"optimizers.{name}", *args)

case("optimizers.clip_grad_norm", tree(), 1.0)
case("optimizers.clip_grad_norm", tree(), 100.0)
case("optimizers.clip_grad_norm", tree(mx.bfloat16), 0.5)
case("optimizers.clip_grad_norm", {"a": 300.0 * case.floats(3, dtype=mx.float16), "b": [case.floats(2)]}, 2.5)
case.throws("optimizers.clip_grad_norm", tree(), -1.0)
