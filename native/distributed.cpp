#include "distributed.h"

#include <atomic>
#include <limits>
#include <mutex>
#include <sstream>
#include <string_view>
#include <typeinfo>

#include "mlx/distributed/distributed_impl.h"

#include "bind.h"
#include "variables.h"

namespace mlxjs {

namespace {

// All of this belongs to the process, as MLX's connections do.
constexpr std::string_view loss = "[ring] connection to a peer was lost";
std::atomic<bool> lost{false};
std::atomic<bool> peers{false};

} // namespace

bool has_peers() {
  return peers;
}

void note_lost_peer(const std::runtime_error& error) {
  if (error.what() == loss) {
    lost = true;
  }
}

using mx::distributed::Group;

// MLX makes a new group of one each time that it is asked for one.
inline bool same(const Group& x, const Group& y) {
  auto& a = *x.raw_group();
  auto& b = *y.raw_group();
  return &a == &b || (a.size() == 1 && b.size() == 1 && typeid(a) == typeid(b));
}

// A group is known by its number, which is the same for the same group.
template <>
struct Convert<Group> {
  static constexpr auto ts = "GroupId";
  static const Group& read(Environment& e, napi_value v) {
    auto id = Convert<int>::read(e, v);
    if (id < 0 || static_cast<size_t>(id) >= e.groups.size()) {
      throw TypeError("[distributed.Group] expected a group of MLX's");
    }
    return e.groups[id];
  }
  static napi_value write(Environment& e, const Group& x) {
    size_t id = 0;
    while (id < e.groups.size() && !same(e.groups[id], x)) {
      id++;
    }
    if (id == e.groups.size()) {
      e.groups.push_back(x);
    }
    return Convert<int>::write(e, static_cast<int>(id));
  }
};

namespace {

bool distributed_is_available(Environment& e, std::string backend) {
  Variables::read(e.env);
  return mx::distributed::is_available(backend);
}

// What MLX reads: the host file and the rank of the ring, if both are set.
std::vector<std::string> ring_settings() {
  auto hosts = variable("MLX_HOSTFILE");
  auto rank = variable("MLX_RANK");
  return hosts && rank ? std::vector<std::string>{hosts, rank}
                       : std::vector<std::string>{};
}

// JACCL asks the processes' launcher to exchange a few bytes while it makes a
// group, on the thread that asked for it: the functions need to live no longer
// than the call.
class SideChannel {
 public:
  SideChannel(Environment& e, napi_value factory)
      : environment_(e),
        factory_(factory) {}

  mx::distributed::AllGatherFn open(int rank, int size) {
    auto gather = call(
        factory_,
        {Convert<int>::write(environment_, rank),
         Convert<int>::write(environment_, size)});
    Convert<Napi::Function>::read(environment_, gather);
    return [this, gather, size](const char* in, char* out, size_t length) {
      exchange(gather, in, out, length, size);
    };
  }

 private:
  void exchange(
      napi_value gather,
      const char* in,
      char* out,
      size_t length,
      size_t size) {
    Napi::HandleScope scope(environment_.env);
    auto bytes = Napi::Uint8Array::New(environment_.env, length);
    std::copy_n(in, length, bytes.Data());
    auto count = Convert<double>::write(environment_, length);
    auto [data, received] =
        Convert<Bytes>::read(environment_, call(gather, {bytes, count}));
    if (received != size * length) {
      std::ostringstream msg;
      msg << "Custom all-gather returned " << received << " bytes but expected "
          << size * length;
      throw std::invalid_argument(msg.str());
    }
    std::copy_n(static_cast<const char*>(data), received, out);
  }

  napi_value call(napi_value function, std::array<napi_value, 2> arguments) {
    napi_value global, result;
    auto env = environment_.env;
    napi_get_global(env, &global);
    check(
        napi_call_function(env, global, function, 2, arguments.data(), &result),
        "a function");
    return result;
  }

  Environment& environment_;
  napi_value factory_;
};

// MLX keeps its groups in a map that it does not lock. A side channel's
// functions may ask for one, too.
std::recursive_mutex& groups_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

Group joined(Group group) {
  if (group.size() > 1) {
    peers = true;
  }
  return group;
}

Group distributed_init(Environment& e, bool strict, std::string backend) {
  Variables::read(e.env);
  std::lock_guard lock(groups_mutex());
  return joined(mx::distributed::init(strict, backend));
}

Group distributed_init_with(
    Environment& e,
    bool strict,
    std::string backend,
    Napi::Value factory) {
  Convert<Napi::Function>::read(e, factory);
  Variables::read(e.env);
  SideChannel channel(e, factory);
  std::lock_guard lock(groups_mutex());
  return joined(mx::distributed::init(strict, backend, [&](int rank, int size) {
    return channel.open(rank, size);
  }));
}

int group_rank(const Group& group) {
  return group.rank();
}

int group_size(const Group& group) {
  return group.size();
}

Group group_split(const Group& group, int color, int key) {
  return group.split(color, key);
}

// Where a group communicates: on the given stream if that is one of the right
// device, otherwise, unless it was asked for, on that device's default stream.
mx::StreamOrDevice
stream_for(const Group& group, mx::StreamOrDevice s, bool asked_for) {
  if (group.size() == 1) {
    return s;
  }
  if (lost) {
    throw std::runtime_error(std::string(loss));
  }
  auto usual = group.raw_group()->communication_stream({});
  if (mx::to_stream(s).device == usual.device) {
    return s;
  }
  if (asked_for) {
    std::ostringstream msg;
    msg << "Expected a stream on " << usual.device
        << ", where this group communicates.";
    throw std::invalid_argument(msg.str());
  }
  return {};
}

using Reduction =
    mx::array (*)(const mx::array&, std::optional<Group>, mx::StreamOrDevice);

template <Reduction F>
mx::array
reduce(Operand x, const Group& group, mx::StreamOrDevice s, bool asked_for) {
  return F(x.resolve(), group, stream_for(group, s, asked_for));
}

// Whether the backend has a sum_scatter: the ring and MPI only throw.
bool scatters(const Group& group) {
  auto& implementation = *group.raw_group();
  std::string_view name = typeid(implementation).name();
  return name.find("RingGroup") == name.npos &&
      name.find("MPIGroup") == name.npos;
}

mx::array sum_scatter(
    Operand x,
    const Group& group,
    mx::StreamOrDevice s,
    bool asked_for) {
  auto a = x.resolve();
  auto at = stream_for(group, s, asked_for);
  auto shares = group.size();
  auto fits = a.ndim() > 0 && a.shape(0) % shares == 0;
  if (!fits || scatters(group)) {
    return mx::distributed::sum_scatter(a, group, at);
  }
  auto sum = mx::distributed::all_sum(a, group, at);
  return mx::split(sum, shares, 0, s)[group.rank()];
}

mx::array all_gather(
    Operand x,
    const Group& group,
    mx::StreamOrDevice s,
    bool asked_for) {
  auto a = x.resolve();
  // MLX multiplies without looking out for overflow.
  auto limit = std::numeric_limits<int>::max();
  if (a.ndim() > 0 && a.shape(0) > limit / group.size()) {
    throw RangeError(
        "[distributed.allGather] x: expected a result of at most 2^31 - 1 "
        "rows");
  }
  return mx::distributed::all_gather(a, group, stream_for(group, s, asked_for));
}

mx::array send(
    Operand x,
    int dst,
    const Group& group,
    mx::StreamOrDevice s,
    bool asked_for) {
  return mx::distributed::send(
      x.resolve(), dst, group, stream_for(group, s, asked_for));
}

mx::array recv(
    mx::Shape shape,
    mx::Dtype dtype,
    int src,
    const Group& group,
    mx::StreamOrDevice s,
    bool asked_for) {
  for (auto n : shape) {
    if (n < 0) {
      throw RangeError("[recv] Negative dimensions not allowed.");
    }
  }
  return mx::distributed::recv(
      std::move(shape), dtype, src, group, stream_for(group, s, asked_for));
}

mx::array recv_like(
    Operand x,
    int src,
    const Group& group,
    mx::StreamOrDevice s,
    bool asked_for) {
  return mx::distributed::recv_like(
      x.resolve(), src, group, stream_for(group, s, asked_for));
}

#define REDUCTION(name) bind<&reduce<&mx::distributed::name>>(#name)

} // namespace

const std::vector<Binding> distributed_bindings{
    LOCAL(distributed_is_available),
    LOCAL(distributed_init),
    LOCAL(distributed_init_with),
    LOCAL(ring_settings),
    LOCAL(group_rank),
    LOCAL(group_size),
    LOCAL(group_split),
    REDUCTION(all_sum),
    REDUCTION(all_max),
    REDUCTION(all_min),
    LOCAL(sum_scatter),
    LOCAL(all_gather),
    LOCAL(send),
    LOCAL(recv),
    LOCAL(recv_like),
};

} // namespace mlxjs
