import mlx.core as mx

from reference.cases import Family

case = Family("nn/upsample")
layer = case.layer

for mode in ["nearest", "linear", "cubic"]:
    for align in [True, False]:
        layer("Upsample", 2, mode=mode, align_corners=align, inputs=[case.floats(1, 3, 2)], grads="sin")
        layer("Upsample", (2, 1.5), mode=mode, align_corners=align, inputs=[case.floats(1, 2, 4, 1)], grads="sin")
        # Smaller, of sizes that leave a rest, and of size 1.
        layer("Upsample", 0.5, mode=mode, align_corners=align, inputs=[case.floats(1, 7, 2)], grads="sin")
        layer("Upsample", (0.4, 1.3), mode=mode, align_corners=align, inputs=[case.floats(1, 5, 4, 1)])
        layer("Upsample", 3.0, mode=mode, align_corners=align, inputs=[case.floats(2, 1, 1, 2)])
        layer("Upsample", 0.4, mode=mode, align_corners=align, inputs=[case.floats(1, 3, 2)])
    layer("Upsample", (1, 2, 1.5), mode=mode, inputs=[case.floats(1, 2, 1, 2, 1)], grads="sin")
    layer("Upsample", 1.5, mode=mode, training=False, inputs=[case.floats(1, 4, 2, dtype=mx.bfloat16)])
    layer("Upsample", 2, mode=mode, inputs=[case.ints(1, 3, 2)])
    layer("Upsample", 2, mode=mode, inputs=[case.floats(3, 2)])
    layer("Upsample", (2, 2), mode=mode, inputs=[case.floats(1, 3, 2)])
for mode in ["linear", "cubic"]:
    layer("Upsample", 0.5, mode=mode, antialias=True, inputs=[case.floats(1, 8, 2)], grads="sin")
    layer("Upsample", (0.4, 1.5), mode=mode, antialias=True, inputs=[case.floats(1, 7, 3, 1)], grads="sin")
    layer("Upsample", 0.5, mode=mode, antialias=True, align_corners=True, inputs=[case.floats(1, 8, 2)])
layer("Upsample", 0.5, mode="nearest", antialias=True, inputs=[case.floats(1, 8, 2)])
layer("Upsample", 2, mode="area", inputs=[case.floats(1, 8, 2)])
