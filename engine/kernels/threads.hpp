// How kernels use threads: over independent outputs only, so that results do not depend on how many there are.
//
// The loops of the tuner (samples, trials) are OpenMP's; those inside an operator run on a few workers of our own. libgomp ends each loop
// with a barrier where threads spin, and how long cannot be said after it is loaded: on a busy machine they burn the time that the missing
// thread needs. ResNet-18, one sample on two threads, 20 other processes on two cores: 856 ms and 213 ms of CPU time with OpenMP, 316 ms
// and 70 ms with OMP_WAIT_POLICY=passive in the environment. Here nobody waits for a worker that has not begun: who calls the loop works
// through it, workers join while there is work left, and only pieces that one has begun are waited for.
#pragma once

#include <omp.h>

#include <cstddef>

namespace titrate::kernels {

/// True while this thread runs a part of a parallel_for, or has a OneThread.
[[nodiscard]] bool in_parallel_for() noexcept;

/// While an object that was made with `alone` lives, loops that its thread starts run on that thread: for work that is done before
/// another thread has heard of it.
class OneThread {
 public:
  explicit OneThread(bool alone) noexcept;
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  bool before_;
};

/// Multiplications and additions of floats that are not worth sharing: some 20 microseconds of one thread. A thread that sleeps needs more
/// to wake up, and one that waits for work would gain less than 10.
inline constexpr double least_shared_products = 1 << 20;

/// How many threads a parallel loop started here may use: as many as OpenMP is set to, 1 inside another parallel loop.
[[nodiscard]] inline int thread_count() { return in_parallel_for() || omp_in_parallel() != 0 ? 1 : omp_get_max_threads(); }

/// A range of indices for a thread.
struct ParallelLoop {
  void (*run)(const void* body, std::size_t first, std::size_t last, std::size_t thread);
  const void* body;
};

/// Calls the loop with pieces that cover [0, count), thread < threads. Returns when all are done.
void run_parallel(const ParallelLoop& loop, std::size_t count, std::size_t threads);

/// Calls body(index, thread) for 0 <= index < count, thread < thread_count(); body must not throw. Which thread takes which index is open:
/// handed out in pieces, so that a core that another process takes away does not hold up the rest.
template <class Body>
void parallel_for(std::size_t count, const Body& body) {
  const int threads = thread_count();
  if (threads == 1 || count <= 1) {
    for (std::size_t index = 0; index < count; ++index) body(index, std::size_t{0});
    return;
  }
  const auto run = [](const void* erased, std::size_t first, std::size_t last, std::size_t thread) {
    const Body& own = *static_cast<const Body*>(erased);
    for (std::size_t index = first; index < last; ++index) own(index, thread);
  };
  run_parallel({.run = run, .body = &body}, count, static_cast<std::size_t>(threads));
}

}  // namespace titrate::kernels
