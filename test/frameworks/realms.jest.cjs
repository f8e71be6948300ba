require("./realms.cjs")(require("mlx-js"));
