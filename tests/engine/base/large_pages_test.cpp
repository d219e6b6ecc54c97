#include "engine/base/large_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace titrate {
namespace {

TEST(LargePages, LeaveTheContentsWhereverTheMemoryBegins) {
  std::vector<char> memory(std::size_t{9} << 20, 'a');
  for (const std::size_t first : {0U, 1U, 4096U, 2097151U, 2097152U}) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{5000}, std::size_t{2} << 20, memory.size() - first})
      ask_for_large_pages(memory.data() + first, bytes);
  }
  ask_for_large_pages(nullptr, 0);
  EXPECT_EQ(std::ranges::count(memory, 'a'), std::ssize(memory));
}

}  // namespace
}  // namespace titrate
