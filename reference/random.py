import mlx.core as mx

from reference.cases import FLOATS, Family, encode, lookup, transposed

case = Family("random")
key = mx.random.key(7)


def both(name, *args, seed=3, **kwargs):
    """With a key of its own, and from the global state."""
    case(name, *args, key=key, **kwargs)
    case(name, *args, seed=seed, **kwargs)


for seed in [0, 1, 12345, 2**32 - 1, 2**40 + 3]:
    case("random.key", seed)
case("random.split", key)
case("random.split", key, 4)
case("random.split", mx.random.key(2**40 + 3), 1)
case.throws("random.split", mx.array([1, 2]))
case.throws("random.split", mx.array([1, 2, 3], mx.uint32))

for dtype in FLOATS:
    both("random.uniform", 0, 1, [2, 3], dtype)
    both("random.normal", [2, 3], dtype)
    both("random.gumbel", [2, 3], dtype)
    both("random.laplace", [2, 3], dtype)
    both("random.truncated_normal", -1, 0.5, [2, 3], dtype)
both("random.uniform")
both("random.uniform", -2.5, 4, [3])
both("random.uniform", mx.array([0.0, 10.0]), mx.array([[1.0], [20.0]]), [2, 2])
both("random.uniform", 0, 1, [0, 2])
both("random.uniform", shape=[5], seed=11)
case.throws("random.uniform", 0, 1, [2], mx.int32)
case.throws("random.uniform", mx.array([0.0, 1.0]), 2, [3])
both("random.normal")
both("random.normal", [7], loc=2.5, scale=0.5)
both("random.normal", [2, 2], loc=mx.array([10.0, -10.0]))
both("random.normal", [2, 2], mx.float16, scale=mx.array([[0.0], [100.0]]))
case("random.normal", [33], key=key)
case.throws("random.normal", [2], mx.int32)
both("random.gumbel")
both("random.laplace", [4], loc=-1.5, scale=3.0)
both("random.laplace")
both("random.truncated_normal", -2, 2)
both("random.truncated_normal", mx.array([0.0, -3.0]), mx.array([0.5, -2.5]))
both("random.truncated_normal", mx.array([0.0, -3.0]), 4, [3, 2])

for dtype in [mx.int32, mx.uint8, mx.int64, mx.int8]:
    both("random.randint", 0, 10, [6], dtype)
both("random.randint", -5, 5)
both("random.randint", mx.array([0, 100]), mx.array([[10], [200]]), [2, 2])
both("random.randint", 0, 10, [2, 2])
case.throws("random.randint", 0, 10, [2], mx.float32)
both("random.bernoulli")
both("random.bernoulli", 0.3, [3, 3])
both("random.bernoulli", mx.array([0.0, 0.5, 1.0]))
both("random.bernoulli", mx.array([0.1, 0.9]), [4, 2])
case.throws("random.bernoulli", mx.array([0.5, 0.5]), [3])

logits = case.floats(2, 5)
both("random.categorical", logits)
both("random.categorical", logits, 0)
both("random.categorical", logits, num_samples=4)
both("random.categorical", logits, -1, [3, 2])
both("random.categorical", transposed(logits), 0, num_samples=2)
both("random.categorical", mx.array([0.0, float("-inf"), 1.0]), num_samples=6)
both("random.categorical", case.floats(4, dtype=mx.float16))
case.throws("random.categorical", logits, 2)
case.throws("random.categorical", logits, -1, [2], num_samples=3)

both("random.permutation", 6)
both("random.permutation", case.floats(5))
both("random.permutation", case.ints(3, 4))
both("random.permutation", case.ints(3, 4), 1)
both("random.permutation", transposed(case.ints(3, 4)), -1)

mean, cov = mx.array([1.0, -2.0]), mx.array([[2.0, 0.5], [0.5, 1.0]])
both("random.multivariate_normal", mean, cov)
both("random.multivariate_normal", mean, cov, [3])
both("random.multivariate_normal", mx.array([[1.0, 2.0], [3.0, 4.0]]), cov)
case.throws("random.multivariate_normal", mean, cov, [3], mx.float16)
case.throws("random.multivariate_normal", mean, mx.zeros((3, 3)))
case.throws("random.multivariate_normal", mx.array(1.0), cov)

# Each draw takes the next of the global state's keys.
for name in ["random.uniform", "random.normal", "random.gumbel"]:
    draw = lookup(name)
    repeated = case(name, shape=[2], seed=42)
    mx.random.seed(42)
    repeated.update(repeat=3, expect=[encode(draw(shape=[2])) for _ in range(3)])
