# A door for node-gyp: CMake owns the sources and builds the same
# build/Release/mlx.node.
{
  "targets": [
    {
      "target_name": "mlx",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(module_root_dir)/build/Release/mlx.node"],
          "action": ["node", "<(module_root_dir)/scripts/native.mjs"],
        }
      ],
    }
  ]
}
