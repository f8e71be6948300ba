/** Names that models have elsewhere: what to write here instead. */
import { answerHabits } from "../core/call/habits.js";
import { Module } from "./module.js";

const gradients = "nn.valueAndGrad(model, fun), which gives the gradients of a function";
const freezing = "model.freeze() or model.unfreeze()";
const device = "the model itself: memory is shared, and mx.setDefaultDevice chooses the device";

const habits = {
  // torch
  backward: gradients,
  cuda: device,
  cpu: device,
  to: `model.setDtype(dtype), or ${device}`,
  half: "model.setDtype(mx.float16)",
  bfloat16: "model.setDtype(mx.bfloat16)",
  float: "model.setDtype(mx.float32)",
  zero_grad: gradients,
  zeroGrad: gradients,
  requires_grad_: freezing,
  state_dict: "model.parameters(), or model.saveWeights(file)",
  stateDict: "model.parameters(), or model.saveWeights(file)",
  load_state_dict: "model.loadWeights(fileOrWeights)",
  loadStateDict: "model.loadWeights(fileOrWeights)",
  named_parameters: "utils.treeFlatten(model.parameters())",
  namedParameters: "utils.treeFlatten(model.parameters())",
  named_modules: "model.namedModules()",
  named_children: "model.children()",
  add_module: "a field, which may hold a module",
  register_parameter: "a field: each array in one is a parameter",
  register_buffer: "a field, and model.freeze({ keys: name })",
  // Python
  __call__: "model.forward(x)",
  trainable_parameters: "model.trainableParameters()",
  leaf_modules: "model.leafModules()",
  load_weights: "model.loadWeights(fileOrWeights)",
  set_dtype: "model.setDtype(dtype)",
  save_weights: "model.saveWeights(file)",
  // tfjs
  call: "model.forward(x)",
  predict: "model.forward(x)",
  evaluate: "model.eval(), then a loss of what model.forward(x) gives",
  fit: "a loop over nn.valueAndGrad(model, fun) and optimizer.update(model, gradients)",
  trainableWeights: "model.trainableParameters()",
  getWeights: "model.parameters()",
  setWeights: "model.update(parameters)",
  countParams: "String(model), which ends with their number",
  add: "new nn.Sequential(...layers), which gets all layers at once",
  compile: "mx.compile(fun, { inputs, outputs }), which makes a training step faster",
  save: "model.saveWeights(file)",
  summary: "String(model)",
};

// To assign these would do nothing.
const switches = { requires_grad: freezing, requiresGrad: freezing, trainable: freezing };

answerHabits(Module.prototype, "Module", "model", habits, true);
answerHabits(Module.prototype, "Module", "model", switches, false);
