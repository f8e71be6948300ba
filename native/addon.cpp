#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string_view>
#include <thread>

#include "mlx/backend/cpu/encoder.h"
#include "mlx/compile_impl.h"
#include "mlx/scheduler.h"

#include "bind.h"
#include "distributed.h"
#include "evaluation.h"
#include "indices.h"
#include "origins.h"
#include "streams.h"
#include "variables.h"

namespace mlxjs {

namespace {

// A failure, in the form that lib/core/call/native.ts reads.
napi_value failure(
    napi_env env,
    const char* kind,
    const char* property,
    napi_value content) {
  napi_value out = nullptr, name = nullptr;
  napi_create_object(env, &out);
  napi_create_string_utf8(env, kind, NAPI_AUTO_LENGTH, &name);
  napi_set_named_property(env, out, "failure", name);
  napi_set_named_property(env, out, property, content);
  return out;
}

void set(napi_env env, napi_value to, const char* name, std::string_view text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  napi_set_named_property(env, to, name, value);
}

// The codes of errors; docs/errors.md says what they mean.
constexpr auto wrong_type = "ERR_INVALID_ARG_TYPE";
constexpr auto out_of_range = "ERR_OUT_OF_RANGE";
constexpr auto out_of_memory = "ERR_MLX_OUT_OF_MEMORY";
constexpr auto operation_failed = "ERR_MLX_OPERATION";
constexpr auto evaluation_failed = "ERR_MLX_EVALUATION";

napi_value
error(napi_env env, const char* type, const char* code, std::string_view text) {
  napi_value message = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &message);
  auto out = failure(env, type, "message", message);
  set(env, out, "code", code);
  return out;
}

// Whether an error of MLX's tells of a lack of memory, for which it has no
// type.
bool tells_no_memory(std::string_view text) {
  return text.find("malloc]") != text.npos &&
      text.find("nable to allocate") != text.npos;
}

constexpr auto no_memory = "There is not enough memory.";

// The very value that JavaScript has thrown.
napi_value thrown(napi_env env, napi_value value) {
  return failure(env, "thrown", "value", value);
}

// What users call a row's function: `linalg_norm` is `linalg.norm`.
std::string public_name(std::string_view row) {
  constexpr std::string_view inner = "subscript_";
  constexpr std::string_view modules[] = {
      "distributed_", "fft_", "linalg_", "random_"};
  // Rows that share a function of the user's, and rows that are named without
  // MLX's module.
  constexpr std::pair<std::string_view, std::string_view> variants[] = {
      {"all_gather", "distributed_all_gather"},
      {"all_max", "distributed_all_max"},
      {"all_min", "distributed_all_min"},
      {"all_sum", "distributed_all_sum"},
      {"distributed_init_with", "distributed_init"},
      {"group_split", "distributed_Group.split"},
      {"linalg_norm_named", "linalg_norm"},
      {"linalg_norm_ord", "linalg_norm"},
      {"random_permutation_of", "random_permutation"},
      {"recv", "distributed_recv"},
      {"recv_like", "distributed_recv_like"},
      {"roll_by", "roll"},
      {"send", "distributed_send"},
      {"split_at", "split"},
      {"subscript_row", "get"},
      {"sum_scatter", "distributed_sum_scatter"},
      {"take_at", "take"}};
  for (auto& [variant, name] : variants) {
    row = row == variant ? name : row;
  }
  std::string out;
  if (row.starts_with(inner)) {
    row.remove_prefix(inner.size());
  }
  for (auto module : modules) {
    if (row.starts_with(module)) {
      out = std::string(module.substr(0, module.size() - 1)) + ".";
      row.remove_prefix(module.size());
      break;
    }
  }
  bool upper = false;
  for (char c : row) {
    if (c != '_') {
      out += upper ? std::toupper(c) : c;
    }
    upper = c == '_';
  }
  return out;
}

// A message as all others are: `[function] expected …`.
std::string in_one_voice(std::string text, const char* row) {
  if (row == nullptr || text.empty() || text[0] == '[') {
    return text;
  }
  text[0] = std::tolower(text[0]);
  if (text.back() == '.') {
    text.pop_back();
  }
  return "[" + public_name(row) + "] " + text;
}

// A message of MLX's own: some name no function.
std::string with_function(std::string text, const char* row) {
  return row == nullptr || text.starts_with('[')
      ? text
      : "[" + public_name(row) + "] " + text;
}

// The failure for an evaluation's error: that of its cause, with what is known
// of the operation.
napi_value failure_of(napi_env env, const EvaluationError& e) {
  napi_value out;
  try {
    std::rethrow_exception(e.cause);
  } catch (...) {
    out = mlxjs::failure(env, nullptr);
  }
  napi_value code = nullptr;
  napi_get_named_property(env, out, "code", &code);
  char text[32] = "";
  napi_get_value_string_utf8(env, code, text, sizeof(text), nullptr);
  if (text == std::string_view(operation_failed)) {
    set(env, out, "code", evaluation_failed);
  }
  set(env, out, "operation", e.operation);
  if (e.calls) {
    set(env, out, "calls", *e.calls);
  }
  return out;
}

} // namespace

napi_value failure(napi_env env, const char* row) noexcept {
  try {
    throw;
  } catch (const Pending&) {
    napi_value value = nullptr;
    napi_get_and_clear_last_exception(env, &value);
    return thrown(env, value);
  } catch (const Napi::Error& e) {
    return thrown(env, e.Value());
  } catch (const TypeError& e) {
    return error(env, "TypeError", wrong_type, in_one_voice(e.what(), row));
  } catch (const RangeError& e) {
    return error(env, "RangeError", out_of_range, in_one_voice(e.what(), row));
  } catch (const EvaluationError& e) {
    return failure_of(env, e);
  } catch (const std::bad_alloc&) {
    return error(env, "Error", out_of_memory, no_memory);
  } catch (const std::runtime_error& e) {
    note_lost_peer(e);
    // Of an error in a task, MLX keeps only the text.
    if (auto text = late_range_error(e.what())) {
      return error(env, "RangeError", out_of_range, *text);
    }
    if (e.what() == std::string_view(std::bad_alloc().what())) {
      return error(env, "Error", out_of_memory, no_memory);
    }
    bool memory = tells_no_memory(e.what());
    auto code = memory ? out_of_memory : operation_failed;
    return error(env, "Error", code, with_function(e.what(), row));
  } catch (const std::exception& e) {
    auto text = with_function(e.what(), row);
    return error(env, "Error", operation_failed, text);
  } catch (...) {
    return error(env, "Error", operation_failed, "Unknown error.");
  }
}

namespace {

using Family = std::vector<Binding>;

// What comes with the addon, and what when a part of the package asks for it
// by its name, that of its file in lib/core.
const Family* const early[] = {
    &array_bindings,
    &owner_bindings,
    &origin_bindings,
    &device_bindings,
    &stream_bindings,
    &memory_bindings,
    &evaluation_bindings,
    &random_bindings,
    &distributed_bindings,
    &subscript_bindings,
    &arithmetic,
    &comparison,
    &reduction,
    &creation,
    &shape,
    &indexing,
    &product};

constexpr std::pair<std::string_view, const Family*> late[] = {
    {"transforms", &transform_bindings},
    {"custom", &custom_bindings},
    {"compile", &compile_bindings},
    {"export", &export_bindings},
    {"fast", &fast_bindings},
    {"custom-kernel", &custom_kernel_bindings},
    {"linalg", &linalg_bindings},
    {"fft", &fft_bindings},
    {"io", &io_bindings},
    {"sorting", &sorting},
    {"convolution", &convolution},
    {"quantization", &quantization}};

// An object without a prototype, which V8 keeps as a table from the start, and
// not as so many shapes as it has names.
Napi::Object table(Napi::Env env) {
  try {
    auto object = env.Global().Get("Object").As<Napi::Object>();
    auto create = object.Get("create").As<Napi::Function>();
    auto out = create.Call({env.Null()});
    if (out.IsObject()) {
      return out.As<Napi::Object>();
    }
  } catch (const Napi::Error&) {
    // A program has put something else there.
  }
  return Napi::Object::New(env);
}

void set_function(
    napi_env env,
    napi_value to,
    const char* name,
    napi_callback callback,
    void* data) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function);
  napi_set_named_property(env, to, name, function);
}

void set_functions(
    napi_env env,
    napi_value to,
    const Family& family,
    void* data) {
  for (auto& binding : family) {
    set_function(env, to, binding.name, binding.callback, data);
  }
}

// The functions of a family that comes late.
napi_value family(napi_env env, napi_callback_info info) {
  Napi::CallbackInfo call(env, info);
  auto wanted = call[0].As<Napi::String>().Utf8Value();
  auto out = table(env);
  for (auto& [name, family] : late) {
    if (name == wanted) {
      set_functions(env, out, *family, call.Data());
    }
  }
  return out;
}

// Every binding's name and TypeScript type, for scripts/bindings.mjs, by the
// families that come late; the others have no name.
napi_value signatures(napi_env env, napi_callback_info) {
  auto out = Napi::Object::New(env);
  auto set = [&](std::string_view name, const Family& family) {
    auto known = out.Get(std::string(name));
    auto all =
        known.IsObject() ? known.As<Napi::Object>() : Napi::Object::New(env);
    for (auto& binding : family) {
      all.Set(binding.name, binding.signature());
    }
    out.Set(std::string(name), all);
  };
  for (auto family : early) {
    set("", *family);
  }
  for (auto& [name, family] : late) {
    set(name, *family);
  }
  return out;
}

void synchronize_all() {
  for (auto& s : busy_streams()) {
    try {
      mx::synchronize(s);
    } catch (...) {
      // An error of a computation that nobody waits for any more.
    }
  }
}

// At the end of the process, waits for what is under way. process.exit() runs
// no cleanup of environments, but the destructors of libraries: OpenBLAS's
// waits for its threads, for ever if they are still at work. What is under way
// may itself wait for other processes, and those for this one's end.
void finish() {
  if (has_peers()) {
    auto done = std::make_shared<std::promise<void>>();
    std::thread([done] {
      synchronize_all();
      done->set_value();
    }).detach();
    done->get_future().wait_for(std::chrono::seconds(2));
  } else {
    synchronize_all();
  }
}

void finish_at_exit() {
  static std::once_flag once;
  std::call_once(once, [] {
    // What is made before the handler is registered lives until the handler has
    // run.
    mx::get_streams();
    try {
      mx::cpu::get_command_encoder(mx::Stream(-1, mx::Device::cpu));
    } catch (...) {
      // There is no such stream, but now there is the table of those that
      // workers borrow.
    }
    std::atexit(finish);
  });
}

// MLX takes the first thread that it meets for the main thread. Whenever that
// one hands a stream work, MLX throws the error of earlier work there: an
// evaluation would fail with the error of another one, which would seem to
// succeed, and MLX would wait for ever for the work that it has counted and not
// taken. So a thread that hands it no work is made the main thread. Nothing
// else may meet MLX before `met`.
std::shared_future<void> keep_main_thread_out() {
  static const auto met = [] {
    std::promise<void> meets;
    auto met = meets.get_future().share();
    std::thread([meets = std::move(meets)]() mutable {
      mx::scheduler::scheduler();
      meets.set_value();
      while (true) {
        std::this_thread::sleep_for(std::chrono::hours(24));
      }
    }).detach();
    return met;
  }();
  return met;
}

// The environment of this thread. Test runners load the addon again for each
// file of tests; what MLX has for a thread, its streams among it, is there
// once.
thread_local Environment* current = nullptr;

void leave(napi_env, void* data, void*) {
  auto& e = *static_cast<Environment*>(data);
  current = nullptr;
  e.evaluations.reset();
  e.arrays.clear();
  e.scalars = {};
  e.random_state.reset();
  mx::detail::compile_clear_cache(mx::detail::compile_cache());
  e.functions->close();
  e.owners.clear();
  e.scratch_array.Reset();
  e.exports.Reset();
  // Streams belong to their thread: a worker takes its own with it.
  return_streams();
  try {
    mx::clear_streams();
  } catch (...) {
  }
  e.unreference();
}

napi_value init(napi_env env) {
  if (current != nullptr) {
    return current->exports.Value();
  }
  Variables::read(env);
  // The thread takes a while to start, in which functions are made.
  auto met = keep_main_thread_out();
  auto e = new Environment(env);
  auto functions = table(env);
  for (auto family : early) {
    set_functions(env, functions, *family, e);
  }
  // From here on, MLX meets this thread.
  met.wait();
  finish_at_exit();
  meet_thread();
  // The first environment is most often the only one.
  static std::atomic<bool> first = true;
  if (!first.exchange(false)) {
    borrow_default_stream();
  }
  current = e;
  napi_set_instance_data(env, e, leave, nullptr);
  set_function(env, functions, "family", family, e);
  set_function(env, functions, "signatures", signatures, e);
  napi_set_named_property(env, functions, "scratch", e->scratch_array.Value());
  e->exports = Napi::Persistent(functions);
  return functions;
}

} // namespace

} // namespace mlxjs

NAPI_MODULE_INIT() {
  try {
    return mlxjs::init(env);
  } catch (const Napi::Error& e) {
    // In a worker that is being ended, no JavaScript can run, and be told.
    napi_throw(env, e.Value());
    return nullptr;
  }
}
