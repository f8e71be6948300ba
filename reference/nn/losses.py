import mlx.core as mx

from reference.cases import Family, transposed

case = Family("nn/losses")
REDUCTIONS = ["none", "mean", "sum"]


def loss(name, *args, **kwargs):
    return case(f"nn.losses.{name}", *args, **kwargs)


x, y, targets = case.floats(3, 4), case.floats(3, 4), mx.array([3, 0, 2])
probabilities = mx.softmax(case.floats(3, 4), -1)
weights = case.floats(3, low=0, high=2)

for reduction in REDUCTIONS:
    loss("cross_entropy", x, targets, reduction=reduction)
    loss("cross_entropy", x, probabilities, weights=weights, reduction=reduction)
    loss("cross_entropy", x, targets, label_smoothing=0.25, reduction=reduction)
    loss("binary_cross_entropy", x, case.floats(3, 4, low=0, high=1), reduction=reduction)
    loss("l1_loss", x, y, reduction=reduction)
    loss("mse_loss", x, y, reduction=reduction)
    loss("nll_loss", mx.log(probabilities), targets, reduction=reduction)
    loss("gaussian_nll_loss", x, y, case.floats(3, 4, low=0.1, high=2), reduction=reduction)
    loss("kl_div_loss", mx.log(probabilities), mx.log(mx.softmax(y, -1)), reduction=reduction)
    loss("smooth_l1_loss", x, y, reduction=reduction)
    loss("triplet_loss", x, y, case.floats(3, 4), reduction=reduction)
    loss("hinge_loss", x, mx.sign(y), reduction=reduction)
    loss("huber_loss", x, y, reduction=reduction)
    loss("log_cosh_loss", x, y, reduction=reduction)
    loss("cosine_similarity_loss", x, y, reduction=reduction)
    loss("margin_ranking_loss", x, y, mx.sign(case.floats(3, 4)), reduction=reduction)

# What is left out has the default: the mean for some, none for others.
loss("cross_entropy", x, targets)
loss("cross_entropy", case.floats(2, 5, 3), mx.array([[0, 4, 2], [1, 1, 3]]), axis=1)
loss("cross_entropy", case.floats(2, 5, 3), mx.softmax(case.floats(2, 5, 3), 1), axis=1, label_smoothing=0.1)
loss("cross_entropy", x, targets, weights=weights, axis=-1, label_smoothing=0.5, reduction="sum")
loss("cross_entropy", case.floats(3, 4, dtype=mx.float16), targets)
loss("cross_entropy", case.floats(3, 4, dtype=mx.bfloat16), targets, reduction="mean")
loss("cross_entropy", transposed(case.floats(4, 3)), targets)
loss("cross_entropy", mx.array([[1000.0, -1000.0]]), mx.array([1]))
loss("binary_cross_entropy", x, case.floats(3, 4, low=0, high=1))
loss("binary_cross_entropy", x, case.ints(3, 4, low=0, high=2), weights=case.floats(3, 4, low=0, high=2))
loss("binary_cross_entropy", probabilities, case.floats(3, 4, low=0, high=1), with_logits=False)
loss("binary_cross_entropy", mx.array([0.0, 1.0, 0.3]), mx.array([0.0, 0.0, 1.0]), with_logits=False, reduction="none")
loss("l1_loss", x, y)
loss("mse_loss", x, y)
loss("mse_loss", case.floats(3, dtype=mx.float16), case.floats(3, dtype=mx.float16))
loss("nll_loss", mx.log(probabilities), targets)
loss("nll_loss", mx.log(mx.softmax(case.floats(4, 3), 0)), targets, axis=0)
loss("gaussian_nll_loss", x, y, case.floats(3, 4, low=0.1, high=2), full=True)
loss("gaussian_nll_loss", x, y, mx.zeros((3, 4)), eps=0.5)
loss("kl_div_loss", mx.log(probabilities), mx.log(mx.softmax(y, 0)), axis=0)
loss("kl_div_loss", mx.log(probabilities), mx.log(mx.softmax(y, -1)))
loss("smooth_l1_loss", x, y, beta=2.5)
loss("smooth_l1_loss", x, y)
loss("triplet_loss", x, y, case.floats(3, 4), axis=0, p=3, margin=0.25, eps=0.01)
loss("triplet_loss", x, y, case.floats(3, 4))
loss("hinge_loss", x, mx.sign(y))
loss("huber_loss", x, y, delta=0.4)
loss("huber_loss", x, y)
loss("log_cosh_loss", x, y)
loss("cosine_similarity_loss", x, y, axis=0, eps=100.5)
loss("cosine_similarity_loss", x, y)
loss("margin_ranking_loss", x, y, mx.sign(case.floats(3, 4)), margin=0.75)
loss("margin_ranking_loss", x, y, mx.sign(case.floats(3, 4)))
loss("cross_entropy", x, mx.array([1, 2]))
loss("cross_entropy", x, targets, label_smoothing=1.5)
loss("cross_entropy", x, targets, weights=case.floats(2))
loss("binary_cross_entropy", x, case.floats(3))
loss("mse_loss", x, case.floats(4, 3))
loss("l1_loss", x, y, reduction="avg")

# Integers: beside a float, a whole one too, they become float32.
for dtype in [mx.uint8, mx.int32, mx.float16]:
    for reduction in REDUCTIONS:
        x, y, z = (case.values(dtype, 3, 4) for _ in range(3))
        for name in ["l1_loss", "mse_loss", "hinge_loss", "log_cosh_loss"]:
            loss(name, x, y, reduction=reduction)
        loss("smooth_l1_loss", x, y, beta=2.0, reduction=reduction)
        loss("huber_loss", x, y, delta=2.0, reduction=reduction)
        loss("margin_ranking_loss", x, y, z, margin=1.0, reduction=reduction)
        loss("triplet_loss", x, y, z, p=1, margin=2.0, eps=1.0, reduction=reduction)
