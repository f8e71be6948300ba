require("./comparing.cjs")(require("mlx-js"));
