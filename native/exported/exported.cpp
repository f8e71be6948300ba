#include "exported.h"

#include "rules.h"

// A file of exported functions is a list of operations, each with its state,
// its inputs and the shapes and dtypes of its outputs. MLX makes of it what it
// says, so here each operation is made once more, by MLX's own functions, of
// arrays without data: they refuse what does not fit, and what they make has
// to have the outputs that the file says.

namespace mlxjs::exported {

namespace {

using Arrays = std::vector<mx::array>;

// The functions of a file, one by one.
class Checker {
 public:
  explicit Checker(const std::string& name) : file_(name) {}

  void check() {
    file_.text();
    auto functions = file_.integer();
    if (functions < 0) {
      throw Fault{"a number of functions", std::to_string(functions)};
    }
    file_.boolean();
    file_.text();
    for (int i = 0; i < functions; i++) {
      check_function();
    }
  }

 private:
  const mx::array& at(uint64_t id) const {
    auto found = known_.find(id);
    if (found == known_.end()) {
      throw Fault{"an array that comes before", "one that does not"};
    }
    return found->second;
  }

  void check_function() {
    known_.clear();
    auto keys = file_.count(8);
    std::string last;
    for (size_t i = 0; i < keys; i++) {
      auto key = file_.text();
      if (i > 0 && key <= last) {
        throw Fault{"names in order", "\"" + key + "\""};
      }
      last = key;
    }
    auto ids = file_.list<uint64_t>();
    auto inputs = file_.count(13);
    if (inputs != ids.size() || keys > inputs) {
      throw Fault{
          std::to_string(ids.size()) + " inputs", std::to_string(inputs)};
    }
    for (auto id : ids) {
      auto shape = file_.shape();
      known_.emplace(id, placeholder(shape, file_.dtype()));
    }
    auto outputs = file_.list<uint64_t>();
    // An array without an operation takes ten bytes, one with it far more.
    for (auto n = file_.count(10); n > 0; n--) {
      auto id = file_.number<uint64_t>("an array");
      if (file_.boolean()) {
        check_operation(id);
      } else if (file_.boolean()) {
        check_constant(id);
      } else {
        at(id);
      }
    }
    for (auto id : outputs) {
      at(id);
    }
  }

  void check_constant(uint64_t id) {
    auto found = constants_.find(id);
    if (found == constants_.end()) {
      auto shape = file_.shape();
      auto a = placeholder(shape, file_.dtype());
      file_.skip_values(a);
      found = constants_.emplace(id, a).first;
    }
    known_.emplace(id, found->second);
  }

  void check_operation(uint64_t id) {
    Arrays inputs;
    for (auto input : file_.list<uint64_t>()) {
      inputs.push_back(at(input));
    }
    file_.stream();
    auto name = file_.text();
    auto rule = rules().find(name);
    if (rule == rules().end()) {
      throw Fault{"an operation that MLX exports", "\"" + name + "\""};
    }
    auto verdict = fitting(name, [&] { return rule->second(file_, inputs); });
    auto [ids, outputs] = read_outputs(id);
    if (!fitting(name, [&] { return verdict(outputs); })) {
      throw Fault{"the outputs of " + name, "others"};
    }
    for (size_t i = 0; i < ids.size(); i++) {
      known_.emplace(ids[i], outputs[i]);
    }
  }

  std::pair<std::vector<uint64_t>, Arrays> read_outputs(uint64_t id) {
    if (file_.number<uint64_t>("a count") == 0) {
      auto shape = file_.shape();
      return {{id}, {placeholder(shape, file_.dtype())}};
    }
    auto ids = file_.list<uint64_t>();
    std::vector<mx::Shape> shapes;
    for (auto n = file_.count(8); n > 0; n--) {
      shapes.push_back(file_.shape());
    }
    Arrays outputs;
    for (auto n = file_.count(5); n > 0; n--) {
      auto dtype = file_.dtype();
      if (outputs.size() < shapes.size()) {
        outputs.push_back(placeholder(shapes[outputs.size()], dtype));
      }
    }
    bool has_own = std::find(ids.begin(), ids.end(), id) != ids.end();
    if (ids.size() != shapes.size() || outputs.size() != shapes.size() ||
        !has_own) {
      throw Fault{"as many arrays as shapes and dtypes", "others"};
    }
    return {std::move(ids), std::move(outputs)};
  }

  // What MLX's functions do not take, the operation does not take either.
  template <typename F>
  static auto fitting(const std::string& name, F f) -> decltype(f()) {
    try {
      return f();
    } catch (const std::exception& e) {
      throw Fault{"inputs and a state of " + name, e.what()};
    }
  }

  File file_;
  std::unordered_map<uint64_t, mx::array> known_;
  std::unordered_map<uint64_t, mx::array> constants_;
};

} // namespace

void check(const std::string& file) {
  Checker(file).check();
}

} // namespace mlxjs::exported
