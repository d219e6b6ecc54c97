// How kernels use threads: over independent outputs only, so that results do not depend on how many there are.
#pragma once

#include <omp.h>

#include <cstddef>

namespace titrate::kernels {

/// How many threads a parallel loop started here may use: 1 inside another parallel region.
[[nodiscard]] inline int thread_count() { return omp_in_parallel() != 0 ? 1 : omp_get_max_threads(); }

/// Calls body(index, thread) for 0 <= index < count, thread < thread_count(); body must not throw.
template <class Body>
void parallel_for(std::size_t count, const Body& body) {
  const int threads = thread_count();
  if (threads == 1 || count <= 1) {
    for (std::size_t index = 0; index < count; ++index) body(index, std::size_t{0});
    return;
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::size_t index = 0; index < count; ++index) body(index, static_cast<std::size_t>(omp_get_thread_num()));
}

}  // namespace titrate::kernels
