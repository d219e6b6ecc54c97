// Every variant of the bfloat16 product that this machine can run, and AMX's with emulated registers, against sums in double.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/base/float16.hpp"
#include "engine/kernels/bf16_gemm/matrix.hpp"
#include "engine/kernels/convolution/bf16.hpp"
#include "engine/kernels/convolution/convolution.hpp"
#include "engine/kernels/convolution/plain.hpp"
#include "tests/engine/kernels/emulated_bf16_tiles.hpp"

namespace titrate::kernels {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

struct NamedBf16 {
  std::string name;
  Isa isa;
  const Bf16Kernels* kernels;
};

std::vector<NamedBf16> variants() {
  std::vector<NamedBf16> all;
  for (const Isa isa : runnable_isas()) all.push_back({std::string(name_of(isa)), isa, &bf16_kernels(isa)});
  all.push_back({"emulated_amx", Isa::scalar, &emulated_bf16_amx});
  return all;
}

class Bf16Gemm : public testing::TestWithParam<NamedBf16> {
 protected:
  const Bf16Kernels& kernels_ = *GetParam().kernels;
  std::mt19937 random_{3};

  std::vector<float> numbers(std::size_t count) {
    std::uniform_real_distribution<float> distribution(-2, 2);
    std::vector<float> made(count);
    for (float& number : made) number = distribution(random_);
    return made;
  }
  std::vector<std::uint16_t> stored(std::size_t count) {
    std::vector<std::uint16_t> made;
    for (const float number : numbers(count)) made.push_back(bfloat16_from_float(number));
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(Variants, Bf16Gemm, testing::ValuesIn(variants()), [](const auto& variant) { return variant.param.name; });

float rounded(float number) { return float_from_bfloat16(bfloat16_from_float(number)); }

struct Sizes {
  std::size_t rows, depth, columns;
};

// C of a product, in memory with a border that must stay as it is.
std::vector<float> product(const Bf16Kernels& kernels, const Sizes& sizes, const MatrixView& a, const Bf16View& b, const float* start) {
  const PackedBf16Columns packed(kernels, b);
  const std::size_t stride = sizes.columns + 3;
  std::vector<float> c(sizes.rows * stride, 77.0F);
  std::vector<float, AlignedAllocator<float>> scratch(bf16_product_scratch(kernels, sizes.rows, packed) / sizeof(float), nan);
  scratch.resize(scratch.size() + 16, 55.0F);
  multiply(kernels, bf16_rounding(runnable_isas().back()), {.a = a, .b = packed, .c = c.data(), .c_stride = stride, .column_start = start},
           reinterpret_cast<std::byte*>(scratch.data()));
  EXPECT_TRUE(std::all_of(scratch.end() - 16, scratch.end(), [](float number) { return number == 55.0F; })) << "wrote behind its memory";
  std::vector<float> result;
  for (std::size_t i = 0; i < sizes.rows; ++i) {
    for (std::size_t j = 0; j < stride; ++j) {
      if (j < sizes.columns) {
        result.push_back(c[i * stride + j]);
      } else {
        EXPECT_EQ(c[i * stride + j], 77.0F);
      }
    }
  }
  return result;
}

TEST_P(Bf16Gemm, ProductsOfAllSizesAreTheSumsOfRoundedNumbers) {
  const auto height = static_cast<std::size_t>(kernels_.rows);
  const auto width = static_cast<std::size_t>(kernels_.columns);
  for (std::size_t rows = 0; rows <= 2 * height + 1; ++rows) {
    for (const std::size_t columns : {std::size_t{0}, std::size_t{1}, width - 1, width, 2 * width + 1}) {
      const std::size_t depth = std::vector<std::size_t>{0, 1, 2, 31, 32, 33, 300}[(rows + columns) % 7];
      const auto a = numbers(rows * depth);
      const auto b = stored(depth * columns);
      const auto start = numbers(columns);
      const bool biased = rows % 2 == 1;
      const bool turned = rows % 3 == 1;  // both operands the other way round in memory
      const MatrixView left{a.data(), rows, depth, turned ? 1 : depth, turned ? rows : 1};
      const Bf16View right{b.data(), depth, columns, turned ? 1 : columns, turned ? depth : 1};
      const auto found = product(kernels_, {rows, depth, columns}, left, right, biased ? start.data() : nullptr);
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          double sum = biased ? static_cast<double>(start[j]) : 0;
          double magnitude = std::fabs(sum);
          float ordered = static_cast<float>(sum);
          for (std::size_t k = 0; k < depth; ++k) {
            const float x = rounded(a[i * left.row_stride + k * left.column_stride]);
            const float w = float_from_bfloat16(b[k * right.row_stride + j * right.column_stride]);
            sum += static_cast<double>(x) * static_cast<double>(w);
            magnitude += std::fabs(static_cast<double>(x) * static_cast<double>(w));
            ordered = std::fma(x, w, ordered);
          }
          const double tolerance = (static_cast<double>(depth) + 1) * 0x1p-24 * magnitude;
          ASSERT_NEAR(found[i * columns + j], sum, tolerance) << rows << " x " << depth << " x " << columns;
          if (kernels_.native) continue;
          ASSERT_EQ(found[i * columns + j], ordered);
        }
      }
    }
  }
}

// Small whole numbers: every sum is exact in every order, so each variant gives the same.
TEST_P(Bf16Gemm, WholeNumbersAreExact) {
  for (const Sizes& sizes : {Sizes{1, 1, 1}, Sizes{5, 77, 40}, Sizes{70, 513, 100}}) {
    std::vector<float> a(sizes.rows * sizes.depth);
    std::vector<std::uint16_t> b(sizes.depth * sizes.columns);
    for (float& number : a) number = static_cast<float>(random_() % 17) - 8;
    for (std::uint16_t& number : b) number = bfloat16_from_float(static_cast<float>(random_() % 17) - 8);
    const auto found = product(kernels_, sizes, {a.data(), sizes.rows, sizes.depth, sizes.depth, 1},
                               {b.data(), sizes.depth, sizes.columns, sizes.columns, 1}, nullptr);
    for (std::size_t i = 0; i < sizes.rows; ++i) {
      for (std::size_t j = 0; j < sizes.columns; ++j) {
        float sum = 0;
        for (std::size_t k = 0; k < sizes.depth; ++k) sum += a[i * sizes.depth + k] * float_from_bfloat16(b[k * sizes.columns + j]);
        ASSERT_EQ(found[i * sizes.columns + j], sum);
      }
    }
  }
}

TEST_P(Bf16Gemm, RoundsHalfToEvenAndKeepsNaN) {
  const Bf16Rounding& rounding = bf16_rounding(GetParam().isa);
  std::vector<float> odd = {0.0F,
                            -0.0F,
                            infinity,
                            -infinity,
                            nan,
                            -nan,
                            1 + 0x1p-8F,
                            1 + 0x3p-8F,
                            0x1p-149F,
                            0x1p-133F,
                            0x3p-134F,
                            0x1.ffp127F,
                            0x1.fefffep127F,
                            std::bit_cast<float>(0x7f800001U),
                            std::bit_cast<float>(0xffffffffU)};
  while (odd.size() < 1003) odd.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random_())));
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{15}, odd.size()}) {
    std::vector<std::uint16_t> row(count);
    std::vector<Bf16Pair> pairs(count);
    std::vector<float> reversed(odd.rbegin(), odd.rend());
    rounding.row(odd.data(), row.data(), count);
    rounding.pairs(odd.data(), reversed.data(), pairs.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(row[i], bfloat16_from_float(odd[i])) << std::bit_cast<std::uint32_t>(odd[i]);
      ASSERT_EQ(pairs[i], row[i] | static_cast<std::uint32_t>(bfloat16_from_float(reversed[i])) << 16);
    }
  }
}

TEST_P(Bf16Gemm, InfinityAndNaNReachOnlyTheirRow) {
  const Sizes sizes{5, 9, 4};
  for (const float odd : {infinity, -infinity, nan}) {
    std::vector<float> a(sizes.rows * sizes.depth, 1.0F);
    a[2 * sizes.depth + 8] = odd;
    const std::vector<std::uint16_t> b(sizes.depth * sizes.columns, bfloat16_from_float(2));
    const auto found = product(kernels_, sizes, {a.data(), sizes.rows, sizes.depth, sizes.depth, 1}, {b.data(), 9, 4, 4, 1}, nullptr);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const bool hit = i / 4 == 2;
      const bool as_expected = !hit ? found[i] == 18.0F : std::isnan(odd) ? std::isnan(found[i]) : found[i] == odd;
      ASSERT_TRUE(as_expected) << i << ": " << found[i];
    }
  }
}

// bfloat16 instructions take subnormal numbers as zero; widened ones keep them.
TEST_P(Bf16Gemm, SubnormalNumbersAreKeptOrZero) {
  const std::vector<float> a = {0x1p-130F};
  const std::vector<std::uint16_t> b = {bfloat16_from_float(0x1p20F)};
  EXPECT_EQ(product(kernels_, {1, 1, 1}, {a.data(), 1, 1, 1, 1}, {b.data(), 1, 1, 1, 1}, nullptr).at(0),
            kernels_.native ? 0.0F : 0x1p-110F);
}

TEST_P(Bf16Gemm, ThreadsDoNotChangeABit) {
  const Sizes sizes{67, 130, 200};
  const auto a = numbers(sizes.rows * sizes.depth);
  const auto b = stored(sizes.depth * sizes.columns);
  const auto of_threads = [&](int threads) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    auto made = product(kernels_, sizes, {a.data(), sizes.rows, sizes.depth, sizes.depth, 1},
                        {b.data(), sizes.depth, sizes.columns, sizes.columns, 1}, nullptr);
    omp_set_num_threads(before);
    return made;
  };
  const auto one = of_threads(1);
  for (const int threads : {2, 3, 5}) EXPECT_EQ(of_threads(threads), one);
}

struct NamedGeometry {
  const char* name;
  ConvolutionGeometry geometry;
};

std::vector<NamedGeometry> geometries() {
  std::vector<NamedGeometry> all;
  const auto add = [&](const char* name, std::int64_t groups, std::int64_t channels, std::int64_t filters, Sizes3 input, Sizes3 kernel,
                       Sizes3 stride, Sizes3 dilation, Sizes3 pad) {
    ConvolutionGeometry made{.batch = 2,
                             .groups = groups,
                             .channels = channels,
                             .filters = filters,
                             .input = input,
                             .kernel = kernel,
                             .output = {},
                             .stride = stride,
                             .dilation = dilation,
                             .pad = pad};
    for (std::size_t axis = 0; axis < 3; ++axis)
      made.output[axis] = (input[axis] + 2 * pad[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
    all.push_back({name, made});
  };
  add("3x3", 1, 5, 7, {1, 9, 11}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1});
  add("1x1", 1, 33, 40, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0});
  add("one number", 1, 1, 1, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0});
  add("strided stem", 1, 3, 16, {1, 31, 29}, {1, 7, 7}, {1, 2, 2}, {1, 1, 1}, {0, 3, 3});
  add("grouped, dilated", 3, 4, 5, {1, 12, 13}, {1, 3, 2}, {1, 1, 2}, {1, 2, 1}, {0, 2, 0});
  add("three axes", 1, 2, 3, {4, 5, 6}, {2, 3, 3}, {1, 2, 1}, {1, 1, 1}, {1, 1, 1});
  add("deep", 1, 67, 37, {1, 5, 6}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1});
  return all;
}

TEST_P(Bf16Gemm, ConvolutionsAreTheSumsOfRoundedNumbers) {
  for (const auto& [name, geometry] : geometries()) {
    SCOPED_TRACE(name);
    const auto filter_count = static_cast<std::size_t>(geometry.groups * geometry.filters);
    const auto input = numbers(static_cast<std::size_t>(geometry.batch * geometry.groups * geometry.channels * geometry.input_size()));
    const auto filters = stored(filter_count * static_cast<std::size_t>(geometry.depth()));
    const auto bias = numbers(filter_count);
    const auto outputs = static_cast<std::size_t>(geometry.batch * geometry.output_size()) * filter_count;
    const auto addend = numbers(outputs);
    std::vector<double> x, w, start(bias.begin(), bias.end()), expected(outputs), magnitudes(outputs);
    for (const float number : input) x.push_back(static_cast<double>(rounded(number)));
    for (const std::uint16_t number : filters) w.push_back(static_cast<double>(float_from_bfloat16(number)));
    convolve_plainly<double>(geometry, x.data(), w.data(), start.data(), expected.data());
    for (double& number : x) number = std::fabs(number);
    for (double& number : w) number = std::fabs(number);
    for (double& number : start) number = std::fabs(number);
    convolve_plainly<double>(geometry, x.data(), w.data(), start.data(), magnitudes.data());
    const PackedBf16Filters packed(kernels_, geometry, filters.data());
    const SgemmKernels& gather = sgemm_kernels(GetParam().name == "emulated_amx" ? Isa::avx2 : GetParam().isa);
    if (gather.columns < kernels_.columns) continue;
    std::vector<float, AlignedAllocator<float>> scratch(bf16_convolution_scratch(kernels_, geometry), nan);
    std::vector<float> found(outputs, nan);
    const Epilogue epilogue(Isa::scalar, {.kind = ActivationKind::clamp, .first = 0, .second = 30}, addend.data());
    convolve({kernels_, bf16_rounding(GetParam().isa), gather}, geometry, packed, bias.data(), input.data(), found.data(), scratch,
             epilogue);
    for (std::size_t index = 0; index < outputs; ++index) {
      const double whole = std::clamp(expected[index] + static_cast<double>(addend[index]), 0.0, 30.0);
      const double tolerance =
          (static_cast<double>(geometry.depth()) + 2) * 0x1p-24 * (magnitudes[index] + std::fabs(static_cast<double>(addend[index])));
      ASSERT_NEAR(found[index], whole, tolerance) << index;
    }
  }
}

}  // namespace
}  // namespace titrate::kernels
