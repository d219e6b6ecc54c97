// How many threads the parallel regions that this thread opens may use.
#pragma once

#include <omp.h>

namespace titrate {

/// Kernels open parallel regions of their own: within its life they use as many threads as were asked for, and no more.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadLimit() { omp_set_num_threads(before_); }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};

}  // namespace titrate
