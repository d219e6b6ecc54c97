// The vectorised codes of small floats against engine/base/float8.hpp, on every instruction set that this machine can run.
#include "engine/base/float8.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/float8/float8.hpp"

namespace titrate::kernels {
namespace {

constexpr SmallFloat formats[] = {float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e3m4fn,
                                  float8e3m4,   float6e2m3,     float6e3m2, float4e2m1};

// Every value of the format, the middle between neighbours and the floats beside both; the ends of float32; any bits.
std::vector<float> numbers_around(const SmallFloat& format) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> numbers{0.0F,
                             -0.0F,
                             infinity,
                             -infinity,
                             std::nanf(""),
                             -std::nanf(""),
                             __builtin_bit_cast(float, 0x7fffffffU),
                             __builtin_bit_cast(float, 0x7f800001U),
                             std::numeric_limits<float>::max(),
                             std::numeric_limits<float>::lowest(),
                             std::numeric_limits<float>::denorm_min(),
                             -std::numeric_limits<float>::min()};
  const auto add = [&](float number) {
    for (const float each : {number, std::nextafter(number, infinity), std::nextafter(number, -infinity)}) {
      numbers.push_back(each);
      numbers.push_back(-each);
    }
  };
  float before = 0;
  for (unsigned code = 0; code < 1U << static_cast<unsigned>(format.bits() - 1); ++code) {
    const float value = decode(format, static_cast<std::uint8_t>(code));
    if (!std::isfinite(value)) continue;
    add(value);
    add((before + value) / 2);
    before = value;
  }
  add(format.largest * 1.03125F);
  add(format.largest * 1.0625F);
  add(format.largest * 1.125F);
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) numbers.push_back(__builtin_bit_cast(float, static_cast<std::uint32_t>(random())));
  return numbers;
}

TEST(Float8Kernels, EncodeAsTheFormatSays) {
  for (const SmallFloat& format : formats) {
    const std::vector<float> numbers = numbers_around(format);
    for (const Isa isa : runnable_isas()) {
      for (const bool saturate : {true, false}) {
        for (const float scale : {1.0F, 0.37F, -2.0F}) {
          std::vector<std::uint8_t> codes(numbers.size());
          float8_kernels(isa).encode(float8_codes(format, saturate), scale, numbers.data(), codes.data(), numbers.size());
          for (std::size_t i = 0; i < numbers.size(); ++i) {
            ASSERT_EQ(codes[i], encode(format, numbers[i] / scale, saturate))
                << format.name << ' ' << name_of(isa) << ' ' << numbers[i] << " / " << scale << (saturate ? " saturated" : "");
          }
        }
      }
    }
  }
}

TEST(Float8Kernels, DecodeEveryCode) {
  for (const SmallFloat& format : formats) {
    for (const Isa isa : runnable_isas()) {
      for (const std::size_t skip : {0, 1, 3}) {
        std::vector<std::uint8_t> codes;
        for (unsigned code = 0; code < 1U << static_cast<unsigned>(format.bits()); ++code) codes.push_back(static_cast<std::uint8_t>(code));
        std::vector<float> numbers(codes.size());
        float8_kernels(isa).decode(float8_codes(format, true), 0.3F, codes.data() + skip, numbers.data() + skip, codes.size() - skip);
        for (std::size_t i = skip; i < codes.size(); ++i) {
          const float expected = decode(format, codes[i]) * 0.3F;
          if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(numbers[i])) << format.name << ' ' << name_of(isa) << ' ' << i;
          } else {
            ASSERT_EQ(__builtin_bit_cast(std::uint32_t, numbers[i]), __builtin_bit_cast(std::uint32_t, expected))
                << format.name << ' ' << name_of(isa) << ' ' << i;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
