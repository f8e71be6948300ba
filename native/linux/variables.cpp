#include "../variables.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "library.h"

namespace mlxjs {

namespace {

// The one that sets process.env of the process, and may read the system's list.
bool is_main_thread() {
  return syscall(SYS_gettid) == getpid();
}

std::vector<std::string> lines_of_system() {
  std::vector<std::string> out;
  for (auto line = environ; line && *line; line++) {
    out.push_back(*line);
  }
  return out;
}

std::vector<std::string> lines_of(Napi::Env env) {
  Napi::HandleScope scope(env);
  std::vector<std::string> out;
  auto process = env.Global().Get("process").As<Napi::Object>();
  auto variables = process.Get("env").As<Napi::Object>();
  auto names = variables.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); i++) {
    auto name = names.Get(i).As<Napi::String>();
    auto value = variables.Get(name);
    if (value.IsString()) {
      out.push_back(
          name.Utf8Value() + "=" + value.As<Napi::String>().Utf8Value());
    }
  }
  return out;
}

// Never destroyed: other threads may be reading what has been replaced, and MLX
// keeps pointers into it.
std::atomic<const Variables*>& current() {
  static std::atomic<const Variables*> variables = new Variables(
      is_main_thread() ? lines_of_system() : std::vector<std::string>{});
  return variables;
}

// libmlx calls this in place of getenv.
const bool redirected = [] {
  current();
  try {
    libmlx().redirect("getenv", reinterpret_cast<void*>(&variable));
  } catch (const std::runtime_error&) {
    return false;
  }
  return true;
}();

} // namespace

const Variables& Variables::latest() {
  return *current();
}

const Variables& Variables::of_kernels() {
  static auto& variables = latest();
  return variables;
}

void Variables::read(napi_env env) {
  std::vector<std::string> lines;
  try {
    lines = is_main_thread() ? lines_of_system() : lines_of(env);
  } catch (const Napi::Error&) {
    // A runtime that does not let a program see them.
    return;
  }
  if (lines != latest().lines()) {
    current() = new Variables(std::move(lines));
  }
}

const char* Variables::find(const std::string& name) const {
  auto start = name + "=";
  for (auto& line : lines_) {
    if (line.starts_with(start)) {
      return line.c_str() + start.size();
    }
  }
  return nullptr;
}

const char* variable(const char* name) {
  return is_main_thread() ? std::getenv(name) : Variables::latest().find(name);
}

} // namespace mlxjs
