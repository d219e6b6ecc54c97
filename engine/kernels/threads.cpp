#include "engine/kernels/threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace titrate::kernels {
namespace {

thread_local bool inside = false;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// About 20 microseconds: as long as most operators between two parallel ones take, and less than it costs to sleep and be woken.
constexpr int spins = 500;

template <class Done>
bool spin_until(const Done& done) {
  for (int spin = 0; spin < spins; ++spin) {
    if (done()) return true;
    relax();
  }
  return done();
}

// One loop at a time. A worker announces itself before it looks whether the loop is still open; who closes it looks for workers
// afterwards: so either the worker sees that it is closed and touches nothing, or it is waited for.
class Workers {
 public:
  Workers() = default;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers() {
    stop_ = true;
    ++epoch_;
    epoch_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void run(const ParallelLoop& loop, std::size_t count, std::size_t threads) {
    const std::unique_lock lock(busy_, std::try_to_lock);
    if (!lock.owns_lock()) {  // another thread's loop has the workers
      loop.run(loop.body, 0, count, 0);
      return;
    }
    start(threads - 1);
    loop_ = loop;
    count_ = count;
    piece_ = std::max<std::size_t>(1, count / (threads * pieces_per_thread));
    helpers_ = threads - 1;
    next_ = 0;
    const std::uint64_t epoch = epoch_ + 1;
    open_ = epoch;
    epoch_ = epoch;
    epoch_.notify_all();
    work(0);
    open_ = 0;
    for (int active = active_; !spin_until([this] { return active_ == 0; }); active = active_) {
      if (active != 0) active_.wait(active);
    }
  }

 private:
  static constexpr std::size_t pieces_per_thread = 8;

  void start(std::size_t wanted) {
    try {
      while (threads_.size() < wanted) {
        const std::size_t thread = threads_.size() + 1;
        threads_.emplace_back([this, thread] { wait_and_work(thread); });
      }
    } catch (const std::system_error&) {
      // No more threads are to be had: those that there are do it.
    }
  }

  void work(std::size_t thread) {
    inside = true;
    for (std::size_t first = next_.fetch_add(piece_); first < count_; first = next_.fetch_add(piece_)) {
      loop_.run(loop_.body, first, std::min(count_, first + piece_), thread);
    }
    inside = false;
  }

  void wait_and_work(std::size_t thread) {
    for (std::uint64_t seen = 0; !stop_;) {
      if (!spin_until([&] { return epoch_ != seen; })) epoch_.wait(seen);
      seen = epoch_;
      ++active_;
      if (open_ == seen && thread <= helpers_) work(thread);
      if (--active_ == 0) active_.notify_all();
    }
  }

  std::mutex busy_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> epoch_ = 0;  // counts the loops
  std::atomic<std::uint64_t> open_ = 0;   // the loop that may be joined; 0: none
  std::atomic<int> active_ = 0;           // workers that may touch the loop
  std::atomic<std::size_t> next_ = 0;
  // Written while the loop is closed and no worker is active.
  ParallelLoop loop_{};
  std::size_t count_ = 0;
  std::size_t piece_ = 1;
  std::size_t helpers_ = 0;
};

}  // namespace

bool in_parallel_for() noexcept { return inside; }

OneThread::OneThread(bool alone) noexcept : before_(inside) { inside = inside || alone; }
OneThread::~OneThread() { inside = before_; }

void run_parallel(const ParallelLoop& loop, std::size_t count, std::size_t threads) {
  static Workers workers;  // threads are the process's: all models share them
  workers.run(loop, count, threads);
}

}  // namespace titrate::kernels
