// The emulated instructions by hand, and that the machine code of AMX's variant is what they run.
#include "tests/engine/kernels/emulated/tile_instructions.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>

#include "engine/kernels/bf16_gemm/bf16_gemm.hpp"
#include "engine/kernels/igemm/igemm.hpp"

namespace titrate::kernels {
namespace {

class TileInstructions : public testing::Test {
 protected:
  void SetUp() override {
    if (!machine_has(Isa::amx)) GTEST_SKIP() << "the emulation needs AVX2";
  }
};

struct alignas(64) Configuration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes[16] = {8, 4, 8};  // sums 1 x 2, a 1 x 4, b 1 x 2 quads
  std::uint8_t rows[16] = {1, 1, 1};
};

TEST_F(TileInstructions, TdpbusdTakesUnsignedRowsAndSignedColumns) {
  const Configuration configuration;
  const std::array<std::uint8_t, 4> a{255, 1, 2, 3};
  const std::array<std::int8_t, 8> b{-128, 5, 6, 7, 1, 0, 0, -1};
  std::array<std::int32_t, 2> sums{1000, -1000};
  const std::size_t stride = 64;
  asm volatile(
      "ldtilecfg %[configuration]\n"
      "tileloadd (%[sums],%[stride],1), %%tmm0\n"
      "tileloadd (%[a],%[stride],1), %%tmm1\n"
      "tileloadd (%[b],%[stride],1), %%tmm2\n"
      "tdpbusd %%tmm2, %%tmm1, %%tmm0\n"
      "tilestored %%tmm0, (%[sums],%[stride],1)\n"
      "tilerelease\n"
      :
      : [configuration] "m"(configuration), [sums] "r"(sums.data()), [a] "r"(a.data()), [b] "r"(b.data()), [stride] "r"(stride)
      : "memory");
  EXPECT_EQ(sums[0], 1000 - 255 * 128 + 5 + 12 + 21);
  EXPECT_EQ(sums[1], -1000 + 255 - 3);
}

// Leaves what is not zero where the next function has its stack.
[[gnu::noinline]] void soil_the_stack() {
  volatile std::uint8_t soil[512];
  for (volatile std::uint8_t& byte : soil) byte = 0xa5;
}

TEST_F(TileInstructions, EveryThreadConfiguresAllEightTiles) {
  const auto begin_and_end = [] {
    soil_the_stack();
    igemm_amx->begin();  // the emulation refuses a configuration that is not whole
    igemm_amx->end();
  };
  const unsigned long before = emulated_tile_instructions();
  begin_and_end();
  std::thread(begin_and_end).join();
  EXPECT_EQ(emulated_tile_instructions() - before, 4U);
}

// 32 x 64 times 64 x 32, as large a tile as there is.
TEST_F(TileInstructions, TheVariantRunsThem) {
  static std::array<std::uint8_t, 32 * 64> a;
  static std::array<std::int8_t, 64 * 32> b;
  static std::array<std::int32_t, 32 * 32> c;
  static std::array<std::int32_t, 32> start;
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::uint8_t>(i * 37 % 256);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::int8_t>(static_cast<int>(i * 91 % 256) - 128);
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<std::int32_t>(i) - 16;
  const unsigned long before = emulated_tile_instructions();
  igemm_amx->begin();
  igemm_amx->tiles[32]({64, reinterpret_cast<const std::byte*>(a.data()), 64, b.data(), c.data(), 32, start.data()});
  igemm_amx->end();
  EXPECT_EQ(emulated_tile_instructions() - before, 2U + 4 + 4 + 4 + 4);  // configuration, sums in, operands, products, sums out
  for (std::size_t m = 0; m < 32; ++m) {
    for (std::size_t n = 0; n < 32; ++n) {
      std::int32_t sum = start[n];
      for (std::size_t k = 0; k < 64; ++k) sum += a[64 * m + k] * b[k / 4 * 128 + 4 * n + k % 4];
      ASSERT_EQ(c[32 * m + n], sum) << m << " " << n;
    }
  }
}

TEST_F(TileInstructions, Tdpbf16psMultipliesPairs) {
  const Configuration configuration;
  const std::array<std::uint32_t, 1> a{0x40003f80};              // even 1, odd 2
  const std::array<std::uint32_t, 2> b{0x40a04080, 0x3f80bf80};  // even 4, odd 5; even -1, odd 1
  std::array<float, 2> sums{100, -0.5F};
  const std::size_t stride = 64;
  asm volatile(
      "ldtilecfg %[configuration]\n"
      "tileloadd (%[sums],%[stride],1), %%tmm0\n"
      "tileloadd (%[a],%[stride],1), %%tmm1\n"
      "tileloadd (%[b],%[stride],1), %%tmm2\n"
      "tdpbf16ps %%tmm2, %%tmm1, %%tmm0\n"
      "tilestored %%tmm0, (%[sums],%[stride],1)\n"
      "tilerelease\n"
      :
      : [configuration] "m"(configuration), [sums] "r"(sums.data()), [a] "r"(a.data()), [b] "r"(b.data()), [stride] "r"(stride)
      : "memory");
  EXPECT_EQ(sums[0], 114.0F);
  EXPECT_EQ(sums[1], 0.5F);
}

// 32 x 32 times 32 x 32 with whole numbers, as large a tile as there is.
TEST_F(TileInstructions, TheVariantOfBfloat16RunsThem) {
  const auto number = [](std::size_t index) { return static_cast<float>(index * 37 % 17) - 8; };
  const auto pair = [&](std::size_t even, std::size_t odd) {
    std::uint32_t low;
    std::uint32_t high;
    const float numbers[2] = {number(even), number(odd)};
    std::memcpy(&low, numbers, sizeof(low));
    std::memcpy(&high, numbers + 1, sizeof(high));
    return low >> 16 | high;
  };
  static std::array<Bf16Pair, 32 * 16> a;
  static std::array<Bf16Pair, 16 * 32> b;
  static std::array<float, 32 * 32> c;
  for (std::size_t row = 0; row < 32; ++row) {
    for (std::size_t k = 0; k < 16; ++k) a[16 * row + k] = pair(32 * row + 2 * k, 32 * row + 2 * k + 1);
  }
  for (std::size_t k = 0; k < 16; ++k) {
    for (std::size_t column = 0; column < 32; ++column) b[32 * k + column] = pair(64 * k + column, 64 * k + 32 + column);
  }
  for (std::size_t i = 0; i < c.size(); ++i) c[i] = static_cast<float>(i);
  const unsigned long before = emulated_tile_instructions();
  bf16_amx->begin();
  bf16_amx->tiles[32]({.pairs = 16, .a = a.data(), .a_stride = 16, .b = b.data(), .c = c.data(), .c_stride = 32});
  bf16_amx->end();
  EXPECT_EQ(emulated_tile_instructions() - before, 2U + 4 + 4 + 4 + 4);  // configuration, sums in, operands, products, sums out
  for (std::size_t m = 0; m < 32; ++m) {
    for (std::size_t n = 0; n < 32; ++n) {
      float sum = static_cast<float>(32 * m + n);
      for (std::size_t k = 0; k < 32; ++k) sum += number(32 * m + k) * number(32 * k + n);
      ASSERT_EQ(c[32 * m + n], sum) << m << " " << n;
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
