require("mlx-js/testing");
const mlx = require("mlx-js");

require("./matchers.cjs")(mlx);
// Nothing is different but for the speed.
require("./comparing.cjs")(mlx);
