// Every variant of the 8-bit matrix product that this machine can run, and AMX's with emulated registers, against exact integers.
#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "engine/kernels/igemm/matrix.hpp"
#include "engine/kernels/igemm/tile.hpp"
#include "tests/engine/kernels/emulated_tiles.hpp"

namespace titrate::kernels {
namespace {

// What vpdpbusd does, in a plain loop: the form of the VNNI variant (bytes, four along K, rows read where they lie) runs on any machine.
struct EmulatedQuads {
  static constexpr int lanes = 4;
  static constexpr int interleave = 4;
  static constexpr int a_bytes = 4;
  static constexpr bool widened = false;
  struct Codes {
    std::uint8_t bytes[16];
  };
  static Codes load(const std::int8_t* b) {
    Codes codes;
    std::memcpy(codes.bytes, b, sizeof(codes));
    return codes;
  }
  static Codes broadcast(const std::byte* a) {
    Codes codes;
    for (std::size_t lane = 0; lane < 4; ++lane) std::memcpy(codes.bytes + 4 * lane, a, 4);
    return codes;
  }
  static IntLanes<4> add_products(IntLanes<4> sums, const Codes& a, const Codes& b) {
    for (int lane = 0; lane < 4; ++lane) {
      std::int32_t sum = 0;
      for (int i = 4 * lane; i < 4 * lane + 4; ++i) sum += a.bytes[i] * static_cast<std::int8_t>(b.bytes[i]);
      sums[lane] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[lane]) + static_cast<std::uint32_t>(sum));
    }
    return sums;
  }
};

constexpr IgemmKernels emulated_vnni = igemm_kernels_of<EmulatedQuads, 2, 5>();

struct Named {
  std::string name;
  Isa isa;
  const IgemmKernels* kernels;
};

std::vector<Named> variants() {
  std::vector<Named> all;
  for (const Isa isa : runnable_isas()) all.push_back({std::string(name_of(isa)), isa, &igemm_kernels(isa)});
  all.push_back({"emulated_vnni", Isa::scalar, &emulated_vnni});
  all.push_back({"emulated_amx", Isa::scalar, &emulated_amx});
  return all;
}

class Igemm : public testing::TestWithParam<Named> {
 protected:
  std::mt19937 random_{3};
  // Many codes at the ends of the range and around the sign.
  std::vector<std::uint8_t> codes(std::size_t count) {
    std::vector<std::uint8_t> made(count);
    for (auto& code : made) {
      const auto draw = random_();
      code = static_cast<std::uint8_t>(draw % 4 == 0 ? 255 : draw % 4 == 1 ? 128 : draw % 4 == 2 ? 127 * (draw >> 9 & 1) : draw >> 8);
    }
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(Variants, Igemm, testing::ValuesIn(variants()), [](const auto& variant) { return variant.param.name; });

struct Shape3 {
  std::size_t rows, depth, columns;
};

struct Signs {
  bool a, b;
  std::int32_t a_zero;
  bool b_zeros;
};

std::int32_t value(std::uint8_t code, bool is_signed) { return is_signed ? static_cast<std::int8_t>(code) : code; }

std::vector<std::int32_t> expected_sums(const Shape3& shape, const Signs& signs, const std::vector<std::uint8_t>& a,
                                        const std::vector<std::uint8_t>& b, const std::vector<std::int32_t>& b_zero,
                                        const std::vector<std::int32_t>& bias) {
  std::vector<std::int32_t> sums;
  for (std::size_t i = 0; i < shape.rows; ++i) {
    for (std::size_t j = 0; j < shape.columns; ++j) {
      std::int64_t sum = bias[j];
      for (std::size_t k = 0; k < shape.depth; ++k) {
        sum += std::int64_t{value(a[i * shape.depth + k], signs.a) - signs.a_zero} *
               (value(b[k * shape.columns + j], signs.b) - (b_zero.empty() ? 0 : b_zero[j]));
      }
      sums.push_back(static_cast<std::int32_t>(sum));
    }
  }
  return sums;
}

// Memory of exactly the size asked for, so that a sanitizer sees what goes beyond it.
std::vector<std::byte> scratch_for(const IgemmKernels& kernels, std::size_t rows, const PackedCodes& b) {
  return std::vector<std::byte>(product_scratch(kernels, rows, b));
}

TEST_P(Igemm, SumsAreExactForAllSizesSignsAndZeroPoints) {
  const IgemmKernels& kernels = *GetParam().kernels;
  const RequantizeKernels& requantize = requantize_kernels(GetParam().isa);
  const auto height = static_cast<std::size_t>(kernels.rows);
  const auto width = static_cast<std::size_t>(kernels.columns);
  std::vector<Shape3> shapes;
  for (std::size_t rows = 0; rows <= 2 * height + 1; ++rows) {
    shapes.push_back({rows, std::vector<std::size_t>{0, 1, 3, 64, 65, 130}[rows % 6],
                      std::vector<std::size_t>{1, width - 1, width, width + 1, 2 * width + 3}[rows % 5]});
  }
  shapes.insert(shapes.end(), {{100, 1000, 40}, {1, 4099, 300}, {250, 512, 7}, {3, 70000, 2}, {1, 1, 1}, {16, 1, 257}, {5, 2, 0}});
  const std::vector<Signs> all_signs{{false, true, 0, false},  {false, true, 255, true},   {true, true, -128, false},
                                     {true, false, 127, true}, {false, false, 128, false}, {true, true, 0, true}};
  std::size_t turn = 0;
  for (const Shape3& shape : shapes) {
    const Signs& signs = all_signs[turn++ % all_signs.size()];
    const auto a = codes(shape.rows * shape.depth);
    const auto b = codes(shape.depth * shape.columns);
    std::vector<std::int32_t> b_zero, bias(shape.columns);
    for (std::size_t j = 0; j < shape.columns; ++j) {
      bias[j] = static_cast<std::int32_t>(random_());
      if (signs.b_zeros) b_zero.push_back(static_cast<std::int32_t>(random_() % 256) - (signs.b ? 128 : 0));
    }
    const PackedCodes packed(kernels, {b.data(), signs.b, shape.depth, shape.columns, shape.columns, 1});
    const Compensation zero_points = compensation(packed, signs.a, signs.a_zero, b_zero, bias);
    const StridedRows rows{a.data(), shape.depth, shape.depth, 1};
    std::vector<std::int32_t> sums(shape.rows * shape.columns);
    auto scratch = scratch_for(kernels, shape.rows, packed);
    multiply_codes(kernels, requantize,
                   {shape.rows, rows.rows(signs.a), packed, zero_points, {SumsOutput::Form::sums, sums.data(), shape.columns}},
                   scratch.data());
    ASSERT_EQ(sums, expected_sums(shape, signs, a, b, b_zero, bias)) << shape.rows << " x " << shape.depth << " x " << shape.columns;
  }
}

TEST_P(Igemm, SumsThatOverflowWrapAroundAlike) {
  const IgemmKernels& kernels = *GetParam().kernels;
  const std::size_t depth = 140000;  // 255 * 127 * 140000 > 2^31
  const std::vector<std::uint8_t> a(depth, 255), b(depth, 127);
  const PackedCodes packed(kernels, {b.data(), true, depth, 1, 1, 1});
  const Compensation none = compensation(packed, false, 0, {}, {});
  const StridedRows rows{a.data(), depth, depth, 1};
  std::int32_t sum = 0;
  auto scratch = scratch_for(kernels, 1, packed);
  multiply_codes(kernels, requantize_kernels(Isa::scalar), {1, rows.rows(false), packed, none, {SumsOutput::Form::sums, &sum, 1}},
                 scratch.data());
  EXPECT_EQ(sum, static_cast<std::int32_t>(std::int64_t{255} * 127 * static_cast<std::int64_t>(depth)));
}

TEST_P(Igemm, TransposedOperandsAndEveryFormOfOutput) {
  const IgemmKernels& kernels = *GetParam().kernels;
  const RequantizeKernels& requantize = requantize_kernels(GetParam().isa);
  const Shape3 shape{37, 90, 45};
  const auto a = codes(shape.rows * shape.depth);     // [K, M]
  const auto b = codes(shape.depth * shape.columns);  // [N, K]
  std::vector<std::uint8_t> a_plain(a.size()), b_plain(b.size());
  for (std::size_t i = 0; i < shape.rows; ++i) {
    for (std::size_t k = 0; k < shape.depth; ++k) a_plain[i * shape.depth + k] = a[k * shape.rows + i];
  }
  for (std::size_t j = 0; j < shape.columns; ++j) {
    for (std::size_t k = 0; k < shape.depth; ++k) b_plain[k * shape.columns + j] = b[j * shape.depth + k];
  }
  const std::vector<std::int32_t> bias(shape.columns, 11);
  const auto sums = expected_sums(shape, {false, true, 100, false}, a_plain, b_plain, {}, bias);
  const PackedCodes packed(kernels, {b.data(), true, shape.depth, shape.columns, 1, shape.depth});
  const Compensation zero_points = compensation(packed, false, 100, {}, bias);
  const StridedRows rows{a.data(), shape.depth, 1, shape.rows};
  std::vector<float> multipliers(shape.columns), float_bias(shape.columns);
  for (std::size_t j = 0; j < shape.columns; ++j) {
    multipliers[j] = 0.0001F * static_cast<float>(j + 1);
    float_bias[j] = static_cast<float>(j) - 20.5F;
  }
  const std::size_t stride = shape.columns + 3;
  std::vector<std::uint8_t> u8(shape.rows * stride, 7);
  std::vector<std::int8_t> s8(shape.rows * stride, 7);
  std::vector<float> numbers(shape.rows * stride, 7.0F);
  auto scratch = scratch_for(kernels, shape.rows, packed);
  const auto run = [&](const SumsOutput& output) {
    multiply_codes(kernels, requantize, {shape.rows, rows.rows(false), packed, zero_points, output}, scratch.data());
  };
  run({SumsOutput::Form::u8, u8.data(), stride, multipliers.data(), nullptr, 200});
  run({SumsOutput::Form::s8, s8.data(), stride, multipliers.data(), nullptr, -100});
  run({SumsOutput::Form::numbers, numbers.data(), stride, multipliers.data(), float_bias.data()});
  for (std::size_t i = 0; i < shape.rows; ++i) {
    for (std::size_t j = 0; j < stride; ++j) {
      const std::size_t at = i * stride + j;
      if (j >= shape.columns) {  // what lies between the rows is not touched
        ASSERT_EQ(u8[at], 7);
        ASSERT_EQ(s8[at], 7);
        ASSERT_EQ(numbers[at], 7.0F);
        continue;
      }
      const float product = static_cast<float>(sums[i * shape.columns + j]) * multipliers[j];
      const double rounded = std::nearbyint(static_cast<double>(product));
      ASSERT_EQ(u8[at], std::clamp(rounded + 200, 0.0, 255.0));
      ASSERT_EQ(s8[at], std::clamp(rounded - 100, -128.0, 127.0));
      ASSERT_EQ(numbers[at], product + float_bias[j]);
    }
  }
}

TEST_P(Igemm, AnyNumberOfThreadsGivesTheSameBits) {
  const IgemmKernels& kernels = *GetParam().kernels;
  for (const Shape3 shape : {Shape3{203, 70, 90}, Shape3{2, 300, 900}}) {
    const auto a = codes(shape.rows * shape.depth);
    const auto b = codes(shape.depth * shape.columns);
    const PackedCodes packed(kernels, {b.data(), true, shape.depth, shape.columns, shape.columns, 1});
    const std::vector<std::int32_t> b_zero{5};
    const Compensation zero_points = compensation(packed, true, 3, b_zero, {});
    const StridedRows rows{a.data(), shape.depth, shape.depth, 1};
    std::vector<std::vector<std::int32_t>> results;
    const int before = omp_get_max_threads();
    for (const int threads : {1, 2, 5}) {
      omp_set_num_threads(threads);
      auto scratch = scratch_for(kernels, shape.rows, packed);
      results.emplace_back(shape.rows * shape.columns);
      multiply_codes(kernels, requantize_kernels(Isa::scalar),
                     {shape.rows, rows.rows(true), packed, zero_points, {SumsOutput::Form::sums, results.back().data(), shape.columns}},
                     scratch.data());
    }
    omp_set_num_threads(before);
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
    EXPECT_EQ(results[0], expected_sums(shape, {true, true, 3, true}, a, b, std::vector<std::int32_t>(shape.columns, 5),
                                        std::vector<std::int32_t>(shape.columns)));
  }
}

class Requantization : public testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(Isas, Requantization, testing::ValuesIn(runnable_isas().begin(), runnable_isas().end()),
                         [](const auto& variant) { return std::string(name_of(variant.param)); });

TEST_P(Requantization, RoundsHalfToEvenAndSaturates) {
  const RequantizeKernels& kernels = requantize_kernels(GetParam());
  std::mt19937 random(5);
  std::vector<std::int32_t> sums{0, 1, -1, 3, 5, -3, -5, 2147483647, -2147483647 - 1, 16777217, -16777217, 255, 256, 511, 513};
  while (sums.size() < 301) sums.push_back(static_cast<std::int32_t>(random()) >> (random() % 32));
  for (const std::int32_t zero_point : {-128, -1, 0, 127, 128, 255}) {
    for (const float size : {0.5F, 0.0078F, 3e-9F, 1e30F, 0.0F, std::nanf("")}) {
      for (std::size_t count = sums.size(); count + 40 > sums.size(); --count) {
        std::vector<float> multipliers(count, size), bias(count, 0.25F), numbers(count), biased(count);
        std::vector<std::uint8_t> u8(count + 1, 99);
        std::vector<std::int8_t> s8(count + 1, 99);
        if (zero_point >= 0) kernels.to_u8(sums.data(), multipliers.data(), zero_point, u8.data(), count);
        if (zero_point <= 127) kernels.to_s8(sums.data(), multipliers.data(), zero_point, s8.data(), count);
        kernels.to_float(sums.data(), multipliers.data(), nullptr, numbers.data(), count);
        kernels.to_float(sums.data(), multipliers.data(), bias.data(), biased.data(), count);
        EXPECT_EQ(u8[count], 99);
        EXPECT_EQ(s8[count], 99);
        for (std::size_t i = 0; i < count; ++i) {
          const float product = static_cast<float>(sums[i]) * size;
          const double rounded = std::isnan(product) ? -1e9 : std::nearbyint(static_cast<double>(product)) + zero_point;
          if (zero_point >= 0) {
            ASSERT_EQ(u8[i], std::clamp(rounded, 0.0, 255.0)) << sums[i] << " * " << size;
          }
          if (zero_point <= 127) {
            ASSERT_EQ(s8[i], std::clamp(rounded, -128.0, 127.0)) << sums[i] << " * " << size;
          }
          if (!std::isnan(product)) {
            ASSERT_EQ(numbers[i], product);
            ASSERT_EQ(biased[i], product + 0.25F);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
