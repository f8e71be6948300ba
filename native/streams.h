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
// Once what is under way on them is done, others may borrow this thread's.
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
// next for something there. Asked in the stream itself, after all that it was
// given so far, whose error it is is certain: the check has it, and it is gone
// from the stream.
Check check(mx::Stream s);

// On a GPU the event has the error. Nobody waits before the check is asked.
Check check(mx::Event event);

// While it is there, MLX blocks nobody who schedules because of what is under
// way. Who has it keeps that little.
class Unthrottled {
 public:
  Unthrottled();
  ~Unthrottled();
  Unthrottled(const Unthrottled&) = delete;
};

} // namespace mlxjs
