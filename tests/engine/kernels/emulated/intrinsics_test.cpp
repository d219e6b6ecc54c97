// The emulation itself, by hand, where the instructions differ from their neighbours: signs, saturation, order, rounding, masks.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/engine/kernels/emulated/avx512bf16.hpp"
#include "tests/engine/kernels/emulated/vnni.hpp"

namespace titrate {
namespace {

template <class Number>
using Register = std::array<Number, 64 / sizeof(Number)>;

template <class Number>
Register<Number> filled(Number value) {
  Register<Number> numbers;
  numbers.fill(value);
  return numbers;
}

template <class Number>
simde__m512i in_register(const Register<Number>& numbers) {
  simde__m512i made;
  std::memcpy(&made, numbers.data(), sizeof(made));
  return made;
}

template <class Number, class Vector>
std::array<Number, sizeof(Vector) / sizeof(Number)> numbers_of(const Vector& vector) {
  std::array<Number, sizeof(Vector) / sizeof(Number)> numbers;
  std::memcpy(numbers.data(), &vector, sizeof(vector));
  return numbers;
}

TEST(EmulatedIntrinsics, DpbusdAddsFourProductsOfUnsignedAndSignedBytesAndWraps) {
  Register<std::uint8_t> a = filled<std::uint8_t>(255);
  Register<std::int8_t> b = filled<std::int8_t>(-128);
  auto sums = filled<std::int32_t>(0);
  sums[15] = INT32_MIN;
  for (std::size_t i = 0; i < 4; ++i) {  // lane 1: 1 * 5 + 2 * 6 + 3 * 7 + 200 * -8
    a[4 + i] = std::array<std::uint8_t, 4>{1, 2, 3, 200}[i];
    b[4 + i] = std::array<std::int8_t, 4>{5, 6, 7, -8}[i];
  }
  const auto made = numbers_of<std::int32_t>(_mm512_dpbusd_epi32(in_register(sums), in_register(a), in_register(b)));
  EXPECT_EQ(made[0], -130560);  // 4 * 255 * -128: beyond 16 bits, and not saturated there
  EXPECT_EQ(made[1], 38 - 1600);
  EXPECT_EQ(made[15], INT32_MAX - 130559);
}

// bfloat16 of 1 is 3f80; the lower half of a word is the even number.
TEST(EmulatedIntrinsics, Dpbf16AddsTheOddProductFirstAndFlushesSubnormals) {
  auto sums = filled<float>(0);
  auto a = filled<std::uint32_t>(0x3f803f80);
  auto b = filled<std::uint32_t>(0x40004040);  // odd 2, even 3
  sums[1] = 1;
  a[2] = 0x7f00ff00;  // odd 2^127, even -2^127: by 2 and 3, infinity stays
  sums[3] = 0x1p25F;  // a step is 4
  a[4] = 0x00010001;  // subnormal
  sums[5] = 0x1p-127F;
  b[5] = 0;
  a[6] = 0x00800000;  // odd 2^-126
  b[6] = 0x3f000000;  // by 0.5: subnormal
  simde__m512 start;
  std::memcpy(&start, sums.data(), sizeof(start));
  const auto words = [](const Register<std::uint32_t>& numbers) {
    simde__m512bh made;
    std::memcpy(&made, numbers.data(), sizeof(made));
    return made;
  };
  const auto made = numbers_of<float>(_mm512_dpbf16_ps(start, words(a), words(b)));
  EXPECT_EQ(made[0], 5.0F);
  EXPECT_EQ(made[1], 6.0F);
  EXPECT_EQ(made[2], std::numeric_limits<float>::infinity());
  EXPECT_EQ(made[3], 0x1p25F + 4);  // + 2 is a tie and goes back, + 3 goes up; the other way round it would be + 8
  EXPECT_EQ(made[4], 0.0F);
  EXPECT_EQ(made[5], 0.0F);
  EXPECT_EQ(made[6], 0.0F);
}

TEST(EmulatedIntrinsics, MaddubsSaturatesAtSixteenBits) {
  Register<std::uint8_t> a = filled<std::uint8_t>(255);
  Register<std::int8_t> b = filled<std::int8_t>(127);
  b[2] = b[3] = -128;
  a[5] = 0;
  const auto made = numbers_of<std::int16_t>(_mm512_maddubs_epi16(in_register(a), in_register(b)));
  EXPECT_EQ(made[0], 32767);
  EXPECT_EQ(made[1], -32768);
  EXPECT_EQ(made[2], 255 * 127);
}

TEST(EmulatedIntrinsics, MaddAddsNeighbours) {
  Register<std::int16_t> a = filled<std::int16_t>(255);
  a[31] = -300;
  const auto made = numbers_of<std::int32_t>(_mm512_madd_epi16(in_register(a), in_register(filled<std::int16_t>(-128))));
  EXPECT_EQ(made[0], -65280);
  EXPECT_EQ(made[15], (255 - 300) * -128);
}

TEST(EmulatedIntrinsics, ByteMasksPickLanesFromTheLowestBitOn) {
  Register<std::int8_t> codes = filled<std::int8_t>(7);
  codes[1] = -128;
  codes[63] = -1;
  const auto mask = _mm512_movepi8_mask(in_register(codes));
  EXPECT_EQ(mask, (std::uint64_t{1} << 63) | 2);
  const auto made = numbers_of<std::int8_t>(_mm512_mask_sub_epi8(in_register(codes), mask, _mm512_setzero_si512(), in_register(codes)));
  EXPECT_EQ(made[0], 7);
  EXPECT_EQ(made[1], -128);  // minus -128 wraps
  EXPECT_EQ(made[63], 1);
  EXPECT_EQ(numbers_of<std::uint8_t>(_mm512_abs_epi8(in_register(codes)))[1], 128);
  EXPECT_EQ(numbers_of<std::int8_t>(_mm512_xor_si512(in_register(codes), _mm512_set1_epi8(-128)))[0], -121);
}

TEST(EmulatedIntrinsics, CompressKeepsTheOrder) {
  Register<std::int32_t> lanes;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane] = static_cast<std::int32_t>(lane) - 8;
  const auto mask = _mm512_movepi32_mask(in_register(lanes));
  EXPECT_EQ(mask, 0x00ff);
  const auto made = numbers_of<std::int32_t>(_mm512_maskz_compress_epi32(0x8005, in_register(lanes)));
  EXPECT_EQ((std::array{made[0], made[1], made[2], made[3]}), (std::array{-8, -6, 7, 0}));
}

TEST(EmulatedIntrinsics, BytesAreWidenedAndCutOff) {
  const __m128i bytes = _mm_set1_epi8(-1);
  const auto wide = numbers_of<std::int32_t>(_mm512_maskz_cvtepu8_epi32(0x7fff, bytes));
  EXPECT_EQ(wide[0], 255);
  EXPECT_EQ(wide[15], 0);
  const auto narrow = numbers_of<std::uint8_t>(_mm512_maskz_cvtepi32_epi8(0xfffe, in_register(filled<std::int32_t>(0x1ff))));
  EXPECT_EQ(narrow[0], 0);
  EXPECT_EQ(narrow[1], 255);
  EXPECT_EQ(numbers_of<std::int16_t>(_mm512_cvtepi8_epi16(_mm256_set1_epi8(-128)))[31], -128);
}

TEST(EmulatedIntrinsics, FmaddRoundsOnce) {
  const float above = 1 + std::ldexp(1.0F, -23);
  simde__m512 factor;
  simde__m512 addend;
  for (std::size_t lane = 0; lane < 16; ++lane) {
    std::memcpy(reinterpret_cast<std::byte*>(&factor) + 4 * lane, &above, 4);
    const float minus = -above * above;
    std::memcpy(reinterpret_cast<std::byte*>(&addend) + 4 * lane, &minus, 4);
  }
  EXPECT_EQ(numbers_of<float>(_mm512_fmadd_ps(factor, factor, addend))[9], std::ldexp(1.0F, -46));
}

}  // namespace
}  // namespace titrate
