#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mlx/io/load.h"
#include "mlx/mlx.h"

namespace mlxjs {

namespace mx = mlx::core;

// Fills the memory of arrays with the tensor that starts at a place.
using Fill =
    std::function<void(mx::io::Reader&, size_t, std::vector<mx::array>&)>;

// The arrays that a tensor of a file becomes, and what fills them.
struct Unpacked {
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;
  Fill fill;
};

// The values are read when they are needed, by the CPU. The tensor must lie in
// the file.
std::vector<mx::array> load_unpacked(
    std::shared_ptr<mx::io::Reader> reader,
    size_t start,
    Unpacked unpacked,
    mx::StreamOrDevice s);

// One whose values lie in the file as they are in memory, or with the bytes of
// each in the opposite order. MLX reads it where the stream is one of NVIDIA's
// GPUs, into the GPU's memory.
mx::array load_plain(
    std::shared_ptr<mx::io::Reader> reader,
    size_t start,
    mx::Shape shape,
    mx::Dtype dtype,
    bool swapped,
    mx::StreamOrDevice s);

} // namespace mlxjs
