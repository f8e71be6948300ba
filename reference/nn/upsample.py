from reference.cases import Family

case = Family("nn/upsample")
layer = case.layer

for mode in ["nearest", "linear", "cubic"]:
    for align in [True, False]:
        layer("Upsample", 2, mode=mode, align_corners=align, inputs=[case.floats(1, 3, 2)])
        layer("Upsample", (2, 1.5), mode=mode, align_corners=align, inputs=[case.floats(1, 2, 4, 1)])
