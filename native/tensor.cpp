#include "tensor.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/backend/cuda/cuda.h"
#include "mlx/primitives.h"

#include "file.h"

namespace mlxjs {

namespace {

using Arrays = std::vector<mx::array>;

// Reads a tensor in the stream's thread. MLX's operation of this name has
// another thread read each, which takes longer than a small one.
class Load : public mx::Primitive {
 public:
  Load(
      mx::Stream s,
      std::shared_ptr<mx::io::Reader> reader,
      size_t start,
      Fill fill)
      : Primitive(s),
        reader_(std::move(reader)),
        start_(start),
        fill_(std::move(fill)) {}

  const char* name() const override {
    return "Load";
  }

  void eval_cpu(const Arrays&, Arrays& outputs) override {
    auto& encoder = mx::cpu::get_command_encoder(stream());
    Arrays filled;
    for (auto& out : outputs) {
      out.set_data(mx::allocator::malloc(out.nbytes()));
      encoder.set_output_array(out);
      filled.push_back(mx::array::unsafe_weak_copy(out));
    }
    encoder.dispatch([reader = reader_,
                      start = start_,
                      fill = fill_,
                      filled = std::move(filled)]() mutable {
      fill(*reader, start, filled);
    });
  }

  void eval_gpu(const Arrays&, Arrays&) override {
    throw std::logic_error("Tensors are not unpacked on a GPU.");
  }

 private:
  std::shared_ptr<mx::io::Reader> reader_;
  size_t start_;
  Fill fill_;
};

// The values of a tensor as an npy file, from which MLX takes dtype and shape.
class NpyReader : public PlacedReader {
 public:
  NpyReader(
      std::shared_ptr<mx::io::Reader> file,
      size_t start,
      const mx::Shape& shape,
      mx::Dtype dtype,
      bool swapped)
      : file_(std::move(file)),
        start_(start),
        head_(head(shape, dtype, swapped)) {}

  // MLX reads a part of the head, or values.
  void read(char* data, size_t n, size_t offset) override {
    if (offset < head_.size()) {
      head_.copy(data, n, offset);
    } else {
      file_->read(data, n, start_ + offset - head_.size());
    }
  }
  std::string label() const override {
    return file_->label();
  }

 private:
  size_t size() const override {
    throw std::runtime_error("[load] The end of the tensor is not known.");
  }

  static std::string
  head(const mx::Shape& shape, mx::Dtype dtype, bool swapped) {
    std::ostringstream out;
    out << "{'descr': '" << (swapped ? '>' : '<') << mx::kindof(dtype)
        << static_cast<int>(mx::size_of(dtype))
        << "', 'fortran_order': False, 'shape': (";
    for (auto n : shape) {
      out << n << ", ";
    }
    out << ")}";
    auto text = out.str();
    auto length = static_cast<uint16_t>(text.size());
    std::string magic("\x93NUMPY\x01\x00", 8);
    magic += static_cast<char>(length & 255);
    magic += static_cast<char>(length >> 8);
    return magic + text;
  }

  std::shared_ptr<mx::io::Reader> file_;
  size_t start_;
  std::string head_;
};

void swap_bytes(mx::array& a) {
  auto data = a.data<char>();
  auto size = a.itemsize();
  for (auto end = data + a.nbytes(); data < end; data += size) {
    std::reverse(data, data + size);
  }
}

} // namespace

std::vector<mx::array> load_unpacked(
    std::shared_ptr<mx::io::Reader> reader,
    size_t start,
    Unpacked unpacked,
    mx::StreamOrDevice s) {
  auto stream = mx::to_stream(s, mx::Device::cpu);
  if (stream.device != mx::Device::cpu) {
    stream = mx::default_stream(mx::Device::cpu);
  }
  return mx::array::make_arrays(
      std::move(unpacked.shapes),
      unpacked.dtypes,
      std::make_shared<Load>(
          stream, std::move(reader), start, std::move(unpacked.fill)),
      {});
}

mx::array load_plain(
    std::shared_ptr<mx::io::Reader> reader,
    size_t start,
    mx::Shape shape,
    mx::Dtype dtype,
    bool swapped,
    mx::StreamOrDevice s) {
  if (mx::cu::is_available() && mx::to_stream(s).device == mx::Device::gpu) {
    return mx::load(
        std::make_shared<NpyReader>(reader, start, shape, dtype, swapped), s);
  }
  auto fill = [swapped](mx::io::Reader& reader, size_t start, Arrays& out) {
    reader.read(out[0].data<char>(), out[0].nbytes(), start);
    if (swapped) {
      swap_bytes(out[0]);
    }
  };
  return load_unpacked(
      std::move(reader), start, {{std::move(shape)}, {dtype}, fill}, s)[0];
}

} // namespace mlxjs
