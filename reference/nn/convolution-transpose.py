from reference.cases import Family

case = Family("nn/convolution-transpose")
layer = case.layer

for bias in [True, False]:
    layer("ConvTranspose1d", 3, 4, 2, bias=bias, inputs=[case.floats(2, 4, 3)])
    layer("ConvTranspose2d", 2, 3, 2, bias=bias, inputs=[case.floats(1, 3, 3, 2)])
layer("ConvTranspose1d", 3, 2, 3, stride=2, padding=1, dilation=2, output_padding=1, inputs=[case.floats(1, 4, 3)])
layer("ConvTranspose2d", 2, 3, (2, 3), stride=(2, 1), padding=(1, 0), inputs=[case.floats(1, 3, 3, 2)])
layer("ConvTranspose3d", 2, 2, 2, stride=2, inputs=[case.floats(1, 2, 2, 2, 2)])
