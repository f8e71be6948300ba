#include "bind.h"
#include "mlx/version.h"
#include "streams.h"

namespace mlxjs {

namespace {

mx::Device device(int type, int index) {
  return {type == 0 ? mx::Device::cpu : mx::Device::gpu, index};
}

std::vector<int> pair(const mx::Device& d) {
  return {d.type == mx::Device::cpu ? 0 : 1, d.index};
}

std::vector<int> default_device() {
  return pair(mx::default_device());
}

void set_default_device(int type, int index) {
  mx::set_default_device(device(type, index));
}

bool is_available(int type, int index) {
  return mx::is_available(device(type, index));
}

int device_count(int type) {
  return mx::device_count(device(type, 0).type);
}

Napi::Value device_info(Environment& e, int type, int index) {
  auto out = Napi::Object::New(e.env);
  for (auto& [key, value] : mx::device_info(device(type, index))) {
    if (auto text = std::get_if<std::string>(&value)) {
      out.Set(key, *text);
    } else {
      out.Set(key, static_cast<double>(std::get<size_t>(value)));
    }
  }
  return out;
}

std::string mlx_version() {
  return mx::version();
}

// Metal and CUDA.

bool metal_is_available() {
  return mx::metal::is_available();
}

void start_capture(std::string path) {
  mx::metal::start_capture(std::move(path));
}

void stop_capture() {
  mx::metal::stop_capture();
}

bool cuda_is_available() {
  return mx::cu::is_available();
}

// Streams, by the number that JavaScript knows them by.

int number(Environment& e, mx::StreamOrDevice s) {
  for (size_t i = 0; i < e.streams.size(); i++) {
    if (e.streams[i] == s) {
      return static_cast<int>(i);
    }
  }
  e.streams.push_back(s);
  return static_cast<int>(e.streams.size() - 1);
}

int device_stream(Environment& e, int type, int index) {
  auto d = device(type, index);
  return index == 0 ? type + 1 : number(e, d);
}

int default_stream(Environment& e, int type, int index) {
  return number(e, mx::default_stream(device(type, index)));
}

void set_default_stream(mx::StreamOrDevice s) {
  mx::set_default_stream(mx::to_stream(s));
}

int new_stream(Environment& e, int type, int index) {
  return number(e, new_stream_of_thread(device(type, index)));
}

int new_thread_unsafe_stream(Environment& e, int type, int index) {
  return number(e, new_shared_stream(device(type, index)));
}

int new_thread_local_stream(Environment& e, int type, int index) {
  return number(e, mx::new_thread_local_stream(device(type, index)));
}

// Its device's type and index, and its own index.
std::vector<int> stream_parts(mx::StreamOrDevice s) {
  auto stream = mx::to_stream(s);
  auto out = pair(stream.device);
  out.push_back(stream.index);
  return out;
}

bool is_of_gpu(mx::StreamOrDevice s) {
  return mx::to_stream(s).device == mx::Device::gpu;
}

// Where Metal's kernels are. Without Metal it does nothing.
void set_metallib_path(std::string path) {
  mx::metal::set_metallib_path(path);
}

void clear_streams() {
  mx::clear_streams();
}

void synchronize(mx::StreamOrDevice s) {
  mx::synchronize(mx::to_stream(s));
}

} // namespace

const std::vector<Binding> device_bindings{
    LOCAL(default_device),
    LOCAL(set_default_device),
    LOCAL(is_available),
    LOCAL(device_count),
    LOCAL(device_info),
    LOCAL(metal_is_available),
    LOCAL(start_capture),
    LOCAL(stop_capture),
    LOCAL(set_metallib_path),
    LOCAL(cuda_is_available),
    LOCAL(mlx_version),
};

const std::vector<Binding> stream_bindings{
    LOCAL(device_stream),
    LOCAL(default_stream),
    LOCAL(set_default_stream),
    LOCAL(new_stream),
    LOCAL(new_thread_unsafe_stream),
    LOCAL(new_thread_local_stream),
    LOCAL(stream_parts),
    LOCAL(is_of_gpu),
    LOCAL(clear_streams),
    LOCAL(synchronize),
};

} // namespace mlxjs
