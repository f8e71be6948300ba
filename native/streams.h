#pragma once

#include <functional>
#include <future>
#include <vector>

#include "mlx/mlx.h"

namespace mlxjs {

namespace mx = mlx::core;

// MLX starts a thread for each stream of the CPU and never ends it. So
// environments that come and go, workers, borrow their streams.

// Makes a borrowed stream the default one of this thread.
void borrow_default_stream();
// A new stream for this thread: a borrowed one where the thread borrows.
mx::Stream new_stream_of_thread(mx::Device d);
// A new stream that any thread may use.
mx::Stream new_shared_stream(mx::Device d);
// Gives this thread's streams back. Others may borrow them once what is under
// way on them is done.
void return_streams();
// The streams of the CPU that may have something to do.
std::vector<mx::Stream> busy_streams();

// Marks this thread as one that gives streams work.
void meet_thread();
// Calls `then` once the streams of the CPU have done what they were given so
// far, whatever came of it: on the thread of the last one, or here. On a thread
// that gives them no work, such as a stream's own, it calls it at once.
void after_work(std::function<void()> then);
// Waits until then.
void wait_for_streams();

// Whether a computation has come to an end, and with which error.
using Check = std::shared_future<void>;

// MLX keeps the error of a stream of the CPU and throws it at whoever waits
// next for something there. The check is a task of the stream, behind all that
// it was given so far, so it is certain whose error it finds; it takes the
// error out of the stream.
Check check(mx::Stream s);

// On a GPU the event has the error. The check waits for the event when it is
// asked, not before.
Check check(mx::Event event);

// While this object is there, MLX does not block those that schedule when much
// is under way. Whoever has it must keep that little.
class Unthrottled {
 public:
  Unthrottled();
  ~Unthrottled();
  Unthrottled(const Unthrottled&) = delete;
};

} // namespace mlxjs
