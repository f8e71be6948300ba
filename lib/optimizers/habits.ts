/** Names that optimizers have elsewhere: what to write here instead. */
import { answerHabits } from "../core/call/habits.js";
import { Optimizer } from "./optimizer.js";

const none = "nothing: nn.valueAndGrad gives fresh gradients each time";
const state = "optimizer.state, a tree of arrays that utils.treeFlatten makes a list for mx.save";

const habits = {
  // torch
  zero_grad: none,
  zeroGrad: none,
  state_dict: state,
  stateDict: state,
  param_groups: "optim.MultiOptimizer, which gives groups of parameters optimizers of their own",
  lr: "optimizer.learningRate",
  // Python
  apply_gradients: "optimizer.applyGradients(gradients, parameters)",
  learning_rate: "optimizer.learningRate",
  // tfjs
  minimize: "nn.valueAndGrad(model, fun) and optimizer.update(model, gradients)",
};

answerHabits(Optimizer.prototype, "Optimizer", "optimizer", habits, false);
