// What layers, losses, optimizers and schedules compute, as TeX, by the names
// that users write. The comments in lib/ say it in words and in code, which
// editors can show.
const r = String.raw;

const activations = {
  sigmoid: r`\sigma(x) = \frac{1}{1 + e^{-x}}`,
  relu: r`\operatorname{relu}(x) = \max(x, 0)`,
  relu2: r`\operatorname{relu}^2(x) = \max(x, 0)^2`,
  relu6: r`\operatorname{relu6}(x) = \min(\max(x, 0), 6)`,
  leakyRelu: r`f(x) = \max(x, s\,x) \qquad s = \text{negativeSlope}`,
  logSoftmax: r`f(x)_i = x_i - \log \sum_j e^{x_j}`,
  elu: r`f(x) = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases}`,
  softmax: r`f(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}`,
  softplus: r`f(x) = \log(1 + e^x)`,
  softsign: r`f(x) = \frac{x}{1 + |x|}`,
  softshrink: r`f(x) = \begin{cases} x - \lambda & x > \lambda \\ x + \lambda & x < -\lambda \\ 0 & \text{otherwise} \end{cases}`,
  celu: r`f(x) = \max(x, 0) + \min\bigl(\alpha\,(e^{x / \alpha} - 1), 0\bigr)`,
  silu: r`f(x) = x\,\sigma(x) = \frac{x}{1 + e^{-x}}`,
  logSigmoid: r`f(x) = \log \sigma(x) = -\log(1 + e^{-x})`,
  gelu: r`f(x) = x\,\Phi(x) = \frac{x}{2} \left(1 + \operatorname{erf}\frac{x}{\sqrt 2}\right)`,
  geluApprox: r`f(x) = \frac{x}{2} \left(1 + \tanh\Bigl(\sqrt{2 / \pi}\,\bigl(x + 0.044715\,x^3\bigr)\Bigr)\right)`,
  geluFastApprox: r`f(x) = x\,\sigma(1.702\,x)`,
  glu: r`f(a, b) = a \odot \sigma(b)`,
  step: r`f(x) = \begin{cases} 1 & x > t \\ 0 & x \le t \end{cases} \qquad t = \text{threshold}`,
  selu: r`f(x) = 1.0507 \begin{cases} x & x > 0 \\ 1.67326\,(e^x - 1) & x \le 0 \end{cases}`,
  prelu: r`f(x) = \max(x, 0) + \alpha \min(x, 0)`,
  mish: r`f(x) = x \tanh\bigl(\log(1 + e^x)\bigr)`,
  hardswish: r`f(x) = \frac{x \min(\max(x + 3, 0), 6)}{6}`,
  hardTanh: r`f(x) = \min(\max(x, \text{minVal}), \text{maxVal})`,
  hardShrink: r`f(x) = \begin{cases} x & |x| > \lambda \\ 0 & |x| \le \lambda \end{cases}`,
  softmin: r`f(x)_i = \frac{e^{-x_i}}{\sum_j e^{-x_j}}`,
  tanh: r`\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}`,
};

/** Layers that are a function of the same name. */
const layersOf = {
  Sigmoid: "sigmoid",
  ReLU: "relu",
  ReLU2: "relu2",
  ReLU6: "relu6",
  Softmax: "softmax",
  LogSoftmax: "logSoftmax",
  Softmin: "softmin",
  Softplus: "softplus",
  Softsign: "softsign",
  SiLU: "silu",
  LogSigmoid: "logSigmoid",
  SELU: "selu",
  Mish: "mish",
  Hardswish: "hardswish",
  HardTanh: "hardTanh",
  Tanh: "tanh",
  LeakyReLU: "leakyRelu",
  ELU: "elu",
  CELU: "celu",
  Softshrink: "softshrink",
  HardShrink: "hardShrink",
  Step: "step",
  GLU: "glu",
  GELU: "gelu",
  PReLU: "prelu",
};

const dropped = r`y = \frac{m \odot x}{1 - p} \qquad m \sim \text{Bernoulli}(1 - p)`;
const normalized = r`y = \frac{x - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \varepsilon}} \odot \text{weight} + \text{bias}`;
/** @param {string} sum @param {string} place */
const convolution = (sum, place) =>
  r`y_{n, ${place}, o} = \text{bias}_o + \sum_{${sum}} \sum_{c} \text{weight}_{o, ${sum}, c}\; x_{n,\,${place
    .split(", ")
    .map((at, i) => r`s${at} + d${sum.split(", ")[i]} - p`)
    .join(r`,\,`)},\,c}`;

const layers = {
  Identity: r`y = x`,
  Linear: r`y = x\,\text{weight}^\top + \text{bias}`,
  Bilinear: r`y_i = x_2^\top\,\text{weight}_i\,x_1 + \text{bias}_i`,
  Embedding: r`y_i = \text{weight}_{x_i}`,
  Sequential: r`y = f_n(\cdots f_2(f_1(x)) \cdots)`,
  Conv1d: convolution("i", "l"),
  Conv2d: convolution("i, j", "h, w"),
  Conv3d: convolution("i, j, k", "d, h, w"),
  MaxPool1d: r`y_{n, l, c} = \max_{i < k}\; x_{n,\,sl + i - p,\,c}`,
  MaxPool2d: r`y_{n, h, w, c} = \max_{i, j < k}\; x_{n,\,sh + i - p,\,sw + j - p,\,c}`,
  AvgPool1d: r`y_{n, l, c} = \frac{1}{k} \sum_{i < k} x_{n,\,sl + i - p,\,c}`,
  AvgPool2d: r`y_{n, h, w, c} = \frac{1}{k^2} \sum_{i, j < k} x_{n,\,sh + i - p,\,sw + j - p,\,c}`,
  LayerNorm: normalized,
  InstanceNorm: normalized,
  GroupNorm: normalized,
  BatchNorm: normalized,
  RMSNorm: r`y = \frac{x}{\sqrt{\mathrm{E}[x^2] + \varepsilon}} \odot \text{weight}`,
  Dropout: dropped,
  Dropout2d: dropped,
  Dropout3d: dropped,
  RNN: r`h_t = \tanh(W_{xh}\,x_t + W_{hh}\,h_{t-1} + b)`,
  GRU: r`\begin{aligned}
r_t &= \sigma(W_{xr}\,x_t + W_{hr}\,h_{t-1} + b_r) \\
z_t &= \sigma(W_{xz}\,x_t + W_{hz}\,h_{t-1} + b_z) \\
n_t &= \tanh\bigl(W_{xn}\,x_t + b_n + r_t \odot (W_{hn}\,h_{t-1} + b_{hn})\bigr) \\
h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}
\end{aligned}`,
  LSTM: r`\begin{aligned}
i_t &= \sigma(W_{xi}\,x_t + W_{hi}\,h_{t-1} + b_i) \\
f_t &= \sigma(W_{xf}\,x_t + W_{hf}\,h_{t-1} + b_f) \\
g_t &= \tanh(W_{xg}\,x_t + W_{hg}\,h_{t-1} + b_g) \\
o_t &= \sigma(W_{xo}\,x_t + W_{ho}\,h_{t-1} + b_o) \\
c_t &= f_t \odot c_{t-1} + i_t \odot g_t \qquad h_t = o_t \odot \tanh(c_t)
\end{aligned}`,
  MultiHeadAttention: r`\text{head} = \operatorname{softmax}\left(\frac{Q K^\top}{\sqrt d} + \text{mask}\right) V`,
  RoPE: r`\begin{pmatrix} y_1 \\ y_2 \end{pmatrix} = \begin{pmatrix} \cos t\theta_i & -\sin t\theta_i \\ \sin t\theta_i & \cos t\theta_i \end{pmatrix} \begin{pmatrix} x_1 \\ x_2 \end{pmatrix} \qquad \theta_i = \text{base}^{-2i / \text{dims}}`,
  ALiBi: r`y_{h, i, j} = \text{scores}_{h, i, j} - m_h\,|i - j|`,
  QuantizedLinear: r`y = x\,(\text{scales} \odot w_q + \text{biases})^\top + \text{bias}`,
};

const losses = {
  crossEntropy: r`\ell = \log \sum_j e^{x_j} - x_t`,
  binaryCrossEntropy: r`\ell = -t \log \sigma(x) - (1 - t) \log\bigl(1 - \sigma(x)\bigr)`,
  l1Loss: r`\ell = |p - t|`,
  mseLoss: r`\ell = (p - t)^2`,
  nllLoss: r`\ell = -x_t`,
  gaussianNllLoss: r`\ell = \frac12 \left(\log v + \frac{(t - x)^2}{v}\right) \qquad v = \max(\text{vars}, \varepsilon)`,
  klDivLoss: r`\ell = \sum_i e^{t_i}\,(t_i - x_i)`,
  smoothL1Loss: r`\ell = \begin{cases} \dfrac{d^2}{2\beta} & d < \beta \\ d - \dfrac{\beta}{2} & d \ge \beta \end{cases} \qquad d = |p - t|`,
  tripletLoss: r`\ell = \max\bigl(\|a - p\| - \|a - n\| + \text{margin},\,0\bigr)`,
  hingeLoss: r`\ell = \max(1 - x\,t,\,0)`,
  huberLoss: r`\ell = \begin{cases} \frac12 d^2 & d \le \delta \\ \delta\,(d - \frac12 \delta) & d > \delta \end{cases} \qquad d = |x - t|`,
  logCoshLoss: r`\ell = \log \cosh(x - t)`,
  cosineSimilarityLoss: r`\ell = \frac{x_1 \cdot x_2}{\max(\|x_1\|\,\|x_2\|,\,\varepsilon)}`,
  marginRankingLoss: r`\ell = \max\bigl(-t\,(x_1 - x_2) + \text{margin},\,0\bigr)`,
};

const optimizers = {
  SGD: r`v_t = \mu\,v_{t-1} + (1 - \tau)\,g_t \qquad w_t = w_{t-1} - \lambda\,v_t`,
  Adam: r`\begin{aligned}
m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\,g_t \\
v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\,g_t^2 \\
w_t &= w_{t-1} - \lambda\,\frac{m_t}{\sqrt{v_t} + \varepsilon}
\end{aligned}`,
  AdamW: r`\begin{aligned}
m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\,g_t \\
v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\,g_t^2 \\
w_t &= (1 - \lambda\,\text{weightDecay})\,w_{t-1} - \lambda\,\frac{m_t}{\sqrt{v_t} + \varepsilon}
\end{aligned}`,
  Adamax: r`\begin{aligned}
m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\,g_t \\
v_t &= \max(\beta_2 v_{t-1},\,|g_t|) \\
w_t &= w_{t-1} - \lambda\,\frac{m_t}{v_t + \varepsilon}
\end{aligned}`,
  Lion: r`\begin{aligned}
c_t &= \beta_1 m_{t-1} + (1 - \beta_1)\,g_t \\
m_t &= \beta_2 m_{t-1} + (1 - \beta_2)\,g_t \\
w_t &= w_{t-1} - \lambda\,\bigl(\operatorname{sign}(c_t) + \text{weightDecay}\;w_{t-1}\bigr)
\end{aligned}`,
  RMSprop: r`v_t = \alpha\,v_{t-1} + (1 - \alpha)\,g_t^2 \qquad w_t = w_{t-1} - \lambda\,\frac{g_t}{\sqrt{v_t} + \varepsilon}`,
  Adagrad: r`v_t = v_{t-1} + g_t^2 \qquad w_t = w_{t-1} - \lambda\,\frac{g_t}{\sqrt{v_t} + \varepsilon}`,
  AdaDelta: r`\begin{aligned}
v_t &= \rho\,v_{t-1} + (1 - \rho)\,g_t^2 \\
d_t &= \frac{\sqrt{u_{t-1} + \varepsilon}}{\sqrt{v_t + \varepsilon}}\,g_t \\
u_t &= \rho\,u_{t-1} + (1 - \rho)\,d_t^2 \\
w_t &= w_{t-1} - \lambda\,d_t
\end{aligned}`,
  Muon: r`v_t = \mu\,v_{t-1} + (1 - \mu)\,g_t \qquad w_t \approx w_{t-1} - \lambda \sqrt{\max(1, \tfrac{\text{rows}}{\text{columns}})}\;U V^\top \quad\text{where}\quad v_t = U S V^\top`,
  clipGradNorm: r`g \mapsto g \cdot \min\left(1,\,\frac{\text{maxNorm}}{\|g\|}\right)`,
  exponentialDecay: r`\lambda_t = \text{init} \cdot \text{decayRate}^t`,
  stepDecay: r`\lambda_t = \text{init} \cdot \text{decayRate}^{\lfloor t / \text{stepSize} \rfloor}`,
  cosineDecay: r`\lambda_t = \text{end} + \tfrac12 (\text{init} - \text{end}) \left(1 + \cos \frac{\pi t}{\text{decaySteps}}\right)`,
  linearSchedule: r`\lambda_t = \text{init} + \frac{t}{\text{steps}}\,(\text{end} - \text{init})`,
};

const initializers = {
  glorotNormal: r`w \sim \mathcal N(0, \sigma^2) \qquad \sigma = \text{gain} \sqrt{\frac{2}{n_\text{in} + n_\text{out}}}`,
  glorotUniform: r`w \sim \mathcal U(-a, a) \qquad a = \text{gain} \sqrt{\frac{6}{n_\text{in} + n_\text{out}}}`,
  heNormal: r`w \sim \mathcal N(0, \sigma^2) \qquad \sigma = \frac{\text{gain}}{\sqrt{n}}`,
  heUniform: r`w \sim \mathcal U(-a, a) \qquad a = \text{gain} \sqrt{\frac{3}{n}}`,
};

/** @param {string} prefix @param {Record<string, string>} formulas */
const under = (prefix, formulas) =>
  Object.entries(formulas).map(([name, formula]) => [`${prefix}${name}`, formula]);

/** @type {Record<string, string>} */
export const formulas = Object.fromEntries([
  ...under("nn.", activations),
  ...Object.entries(layersOf).map(([layer, name]) => [
    `nn.${layer}`,
    activations[/** @type {keyof typeof activations} */ (name)],
  ]),
  ...under("nn.", layers),
  ...under("nn.losses.", losses),
  ...under("optim.", optimizers),
  ...under("nn.init.", initializers),
]);

/** What has its equations in a paragraph of its comment, in whose place the formula stands. */
export const setApart = new Set(["nn.RNN", "nn.GRU", "nn.LSTM"]);
