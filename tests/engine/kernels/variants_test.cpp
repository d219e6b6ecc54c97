// Every variant of every kernel that this machine can run, against the formula written out.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/kernels/depthwise/depthwise.hpp"
#include "engine/kernels/elementwise/elementwise.hpp"
#include "engine/kernels/histogram/histogram.hpp"
#include "engine/kernels/minmax/minmax.hpp"
#include "engine/kernels/quantize/quantize.hpp"
#include "engine/kernels/sgemm/matrix.hpp"

namespace titrate::kernels {
namespace {

class Variant : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!machine_has(GetParam())) GTEST_SKIP() << "this machine has no " << name_of(GetParam());
  }
  std::mt19937 random_{7};
  std::vector<float> numbers(std::size_t count, float limit = 1.0F) {
    std::uniform_real_distribution<float> distribution(-limit, limit);
    std::vector<float> made(count);
    for (float& number : made) number = distribution(random_);
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(Isas, Variant, testing::Values(Isa::scalar, Isa::avx2, Isa::avx512),
                         [](const auto& variant) { return std::string(name_of(variant.param)); });

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// The sum in the order of k, fused where the variant has the instruction: bit for bit what every tile must give.
float ordered_sum(Isa isa, std::size_t depth, const float* a, std::size_t a_step, const float* b, std::size_t b_step, float start) {
  float sum = start;
  for (std::size_t k = 0; k < depth; ++k) {
    sum = isa == Isa::scalar ? a[k * a_step] * b[k * b_step] + sum : std::fma(a[k * a_step], b[k * b_step], sum);
  }
  return sum;
}

TEST_P(Variant, ProductsOfAllSizesAreTheSumsInTheOrderOfK) {
  const SgemmKernels& sgemm = sgemm_kernels(GetParam());
  const auto tile_rows = static_cast<std::size_t>(sgemm.rows);
  const auto tile_columns = static_cast<std::size_t>(sgemm.columns);
  std::vector<std::size_t> widths{0, 1, 2, tile_columns - 1, tile_columns, tile_columns + 1, 2 * tile_columns, 2 * tile_columns + 1};
  for (std::size_t rows = 0; rows <= 2 * tile_rows + 1; ++rows) {
    for (const std::size_t columns : widths) {
      const std::size_t depth = std::vector<std::size_t>{0, 1, 7, 300}[(rows + columns) % 4];
      const auto a = numbers(rows * depth);
      const auto b = numbers(depth * columns);
      const bool accumulate = rows % 2 == 1;
      const std::size_t stride = columns + rows % 3;
      const auto before = numbers(rows * stride);
      std::vector<float> packed_a(a.size());
      std::vector<float> packed_b(packed_columns_size(sgemm, depth, columns));
      pack_rows(sgemm, {a.data(), rows, depth, depth, 1}, packed_a.data());
      pack_columns(sgemm, {b.data(), depth, columns, columns, 1}, packed_b.data());
      std::vector<float> c = before;
      multiply(sgemm, {rows, columns, depth, packed_a.data(), packed_b.data(), c.data(), stride, accumulate});
      std::vector<float> expected = before;
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          float& target = expected[i * stride + j];
          target = ordered_sum(GetParam(), depth, a.data() + i * depth, 1, b.data() + j, columns, accumulate ? target : 0.0F);
        }
      }
      ASSERT_TRUE(same_bits(c, expected)) << rows << " x " << depth << " x " << columns;
    }
  }
}

// Rows and depths for which the product is cut: more rows than a block keeps, more columns than a group has, several parts of the depth,
// few rows that meet several panels at once.
TEST_P(Variant, ProductsCutIntoBlocksAreTheSumsInTheOrderOfK) {
  const SgemmKernels& sgemm = sgemm_kernels(GetParam());
  const auto width = static_cast<std::size_t>(sgemm.columns);
  struct Sizes {
    std::size_t rows, depth, columns;
  };
  const std::size_t wide = 9 * width + 3;
  for (const Sizes sizes : {Sizes{1, 513, wide}, Sizes{2, 300, wide}, Sizes{3, 257, wide}, Sizes{5, 300, wide}, Sizes{19, 1025, wide},
                            Sizes{131, 513, wide}, Sizes{301, 259, 17}, Sizes{270, 512, 8 * width}, Sizes{40, 0, wide}}) {
    const auto a = numbers(sizes.rows * sizes.depth);
    const auto b = numbers(sizes.depth * sizes.columns);
    const auto start = numbers(sizes.columns);
    const float bounds[2] = {-1.5F, 2.0F};
    std::vector<float> packed_a(a.size());
    std::vector<float> packed_b(packed_columns_size(sgemm, sizes.depth, sizes.columns));
    pack_rows(sgemm, {a.data(), sizes.rows, sizes.depth, sizes.depth, 1}, packed_a.data());
    pack_columns(sgemm, {b.data(), sizes.depth, sizes.columns, sizes.columns, 1}, packed_b.data());
    for (const bool accumulate : {false, true}) {
      const auto before = numbers(sizes.rows * sizes.columns);
      std::vector<float> c = before;
      multiply(sgemm, {.rows = sizes.rows,
                       .columns = sizes.columns,
                       .depth = sizes.depth,
                       .a = packed_a.data(),
                       .b = packed_b.data(),
                       .c = c.data(),
                       .c_stride = sizes.columns,
                       .accumulate = accumulate,
                       .column_start = accumulate ? nullptr : start.data(),
                       .bounds = bounds});
      std::vector<float> expected = before;
      for (std::size_t i = 0; i < sizes.rows; ++i) {
        for (std::size_t j = 0; j < sizes.columns; ++j) {
          float& target = expected[i * sizes.columns + j];
          const float sum = ordered_sum(GetParam(), sizes.depth, a.data() + i * sizes.depth, 1, b.data() + j, sizes.columns,
                                        accumulate ? target : start[j]);
          target = std::min(std::max(sum, bounds[0]), bounds[1]);
        }
      }
      ASSERT_TRUE(same_bits(c, expected)) << sizes.rows << " x " << sizes.depth << " x " << sizes.columns << ", " << accumulate;
    }
  }
}

TEST_P(Variant, RowsArePackedElementByElementWhateverTheStrides) {
  const SgemmKernels& sgemm = sgemm_kernels(GetParam());
  for (std::size_t rows = 1; rows <= 2 * static_cast<std::size_t>(sgemm.rows) + 1; ++rows) {
    for (const std::size_t depth : {1, 2, 3, 4, 7, 8, 9, 12, 13, 33}) {
      const auto elements = numbers(2 * rows * depth);
      struct Strides {
        std::size_t row, column;
      };
      for (const Strides strides : {Strides{depth, 1}, Strides{1, rows}, Strides{2 * depth, 2}}) {
        constexpr float mark = 1234.5F;
        std::vector<float> packed(rows * depth + 1, mark);
        pack_rows(sgemm, {elements.data(), rows, depth, strides.row, strides.column}, packed.data());
        std::vector<float> expected;
        const RowPanels panels(sgemm, rows);
        for (std::size_t panel = 0; panel < panels.count; ++panel) {
          for (std::size_t k = 0; k < depth; ++k) {
            for (std::size_t row = 0; row < panels.height(panel); ++row) {
              expected.push_back(elements[(panels.begin(panel) + row) * strides.row + k * strides.column]);
            }
          }
        }
        expected.push_back(mark);  // nothing is written behind
        ASSERT_EQ(packed, expected) << rows << " x " << depth;
      }
    }
  }
}

TEST_P(Variant, PanelsSideBySideAreCopiedRowByRow) {
  const SgemmKernels& sgemm = sgemm_kernels(GetParam());
  const auto width = static_cast<std::size_t>(sgemm.columns);
  const std::size_t pitch = 3 * width + 5;
  const std::vector<std::int32_t> offsets{0, static_cast<std::int32_t>(pitch), 3};
  const auto image = numbers(2 * pitch + 3);
  const std::size_t stride = offsets.size() * width + 7;
  std::vector<float> panels(3 * stride, 1234.5F);
  std::vector<float> expected = panels;
  sgemm.gather_panels({image.data(), offsets.data(), offsets.size(), 3, panels.data(), stride});
  for (std::size_t panel = 0; panel < 3; ++panel) {
    for (std::size_t k = 0; k < offsets.size(); ++k) {
      for (std::size_t j = 0; j < width; ++j) {
        expected[panel * stride + k * width + j] = image[static_cast<std::size_t>(offsets[k]) + panel * width + j];
      }
    }
  }
  EXPECT_EQ(panels, expected);
}

TEST_P(Variant, IndirectTilesReadTheirRowsThroughOffsets) {
  const SgemmKernels& sgemm = sgemm_kernels(GetParam());
  const auto width = static_cast<std::size_t>(sgemm.columns);
  const auto image = numbers(5 * width + 7);
  const std::vector<std::int32_t> offsets{3, 0, static_cast<std::int32_t>(width), 1, 5};
  for (int rows = 1; rows <= sgemm.rows; ++rows) {
    const auto height = static_cast<std::size_t>(rows);
    const auto a = numbers(offsets.size() * height);
    const auto start = numbers(height);
    std::vector<float> c(height * width);
    sgemm.indirect[rows]({offsets.size(), a.data(), image.data() + 1, offsets.data(), c.data(), width, start.data(), false});
    std::vector<float> expected(c.size());
    for (std::size_t i = 0; i < height; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        std::vector<float> column;
        for (const std::int32_t offset : offsets) column.push_back(image[1 + static_cast<std::size_t>(offset) + j]);
        expected[i * width + j] = ordered_sum(GetParam(), offsets.size(), a.data() + i, height, column.data(), 1, start[i]);
      }
    }
    ASSERT_TRUE(same_bits(c, expected)) << rows;
  }
}

TEST_P(Variant, DepthwiseRowsOfAllLengths) {
  const DepthwiseKernel kernel = depthwise_kernel(GetParam());
  const std::vector<std::int32_t> offsets{0, 1, 2, 40, 41, 42};
  const auto weights = numbers(offsets.size());
  for (std::size_t count = 0; count <= 130; ++count) {
    const auto image = numbers(count + 42 + 16);
    std::vector<float> outputs(count);
    kernel.run(image.data(), offsets.data(), weights.data(), weights.size(), 0.25F, outputs.data(), count);
    std::vector<float> expected(count);
    for (std::size_t j = 0; j < count; ++j) {
      std::vector<float> column;
      for (const std::int32_t offset : offsets) column.push_back(image[static_cast<std::size_t>(offset) + j]);
      expected[j] = ordered_sum(GetParam(), weights.size(), weights.data(), 1, column.data(), 1, 0.25F);
    }
    ASSERT_TRUE(same_bits(outputs, expected)) << count;
  }
}

template <class Code>
std::int32_t expected_code(const AffineCode& code, float x) {
  const float quotient = x / code.scale;
  if (std::isnan(quotient)) return code.lowest;
  const double rounded = std::nearbyint(static_cast<double>(quotient)) + code.zero_point;  // exact in double
  return static_cast<std::int32_t>(std::clamp<double>(rounded, code.lowest, code.highest));
}

template <class Code>
void check_codes(Quantize<Code> quantize, Dequantize<Code> dequantize, const AffineCode& code, const std::vector<float>& x) {
  for (const std::size_t skip : {0, 1, 3}) {
    std::vector<Code> codes(x.size());
    quantize(code, x.data() + skip, codes.data() + skip, x.size() - skip);
    std::vector<float> back(x.size());
    dequantize(code, codes.data() + skip, back.data() + skip, x.size() - skip);
    for (std::size_t i = skip; i < x.size(); ++i) {
      ASSERT_EQ(codes[i], expected_code<Code>(code, x[i])) << x[i] << " / " << code.scale;
      ASSERT_EQ(back[i], static_cast<float>(codes[i] - code.zero_point) * code.scale);
    }
  }
}

TEST_P(Variant, CodesAreRoundedHalfToEvenAfterATrueDivision) {
  const QuantizeKernels& kernels = quantize_kernels(GetParam());
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> x{0.0F,
                       -0.0F,
                       infinity,
                       -infinity,
                       std::nanf(""),
                       std::numeric_limits<float>::max(),
                       std::numeric_limits<float>::lowest(),
                       std::numeric_limits<float>::denorm_min(),
                       8388607.5F,
                       -8388607.5F};
  for (const float scale : {1.0F, 0.0123457F, 3e-39F, 1e30F}) {
    std::vector<float> with_ties = x;
    for (int i = -300; i <= 300; ++i) with_ties.push_back((static_cast<float>(i) + 0.5F) * scale);
    for (const float number : numbers(101, 300 * std::min(scale, 1e30F))) with_ties.push_back(number);
    check_codes(kernels.to_u8, kernels.from_u8, {scale, 128, 0, 255}, with_ties);
    check_codes(kernels.to_u8, kernels.from_u8, {scale, 3, 0, 15}, with_ties);
    check_codes(kernels.to_s8, kernels.from_s8, {scale, -128, -128, 127}, with_ties);
    check_codes(kernels.to_u16, kernels.from_u16, {scale, 65535, 0, 65535}, with_ties);
    check_codes(kernels.to_s16, kernels.from_s16, {scale, 1, -32768, 32767}, with_ties);
  }
}

TEST_P(Variant, TheRangeCountsWhatIsNotFinite) {
  const MinMax minmax = minmax_kernel(GetParam());
  for (std::size_t count = 0; count <= 30000; count = count < 300 ? count + 1 : count * 3 + 1) {
    for (const std::size_t odd : {std::size_t{0}, count / 2, count == 0 ? 0 : count - 1}) {
      auto x = numbers(count + 1);
      for (std::size_t i = 0; i < 3 && odd + i < count && count > 4; ++i) {
        x[1 + odd + i] =
            std::vector<float>{std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}[i];
      }
      Range expected;
      for (std::size_t i = 1; i <= count; ++i) {
        if (!std::isfinite(x[i])) {
          ++expected.non_finite;
          continue;
        }
        expected.lowest = std::min(expected.lowest, x[i]);
        expected.highest = std::max(expected.highest, x[i]);
      }
      const Range range = minmax(x.data() + 1, count);
      ASSERT_EQ(range.lowest, expected.lowest) << count;
      ASSERT_EQ(range.highest, expected.highest) << count;
      ASSERT_EQ(range.non_finite, expected.non_finite) << count;
    }
  }
}

TEST_P(Variant, GroupsHaveTheirOwnRangesAndCodes) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::size_t group : {1U, 3U, 8U, 17U, 32U, 1000U}) {
    for (const std::size_t count : {1U, 5U, 31U, 32U, 64U, 100U, 20000U, 20001U}) {
      auto x = numbers(count, 100.0F);
      if (count % 32 != 0 && count > 4) x[count / 2] = infinity;
      if (count % 32 != 0 && count > 4) x[count - 1] = std::nanf("");
      const std::size_t groups = (count + group - 1) / group;
      std::vector<float> lowest(groups), highest(groups), scales(groups);
      std::vector<std::int32_t> zero_points(groups);
      group_minmax_kernel(GetParam())(x.data(), count, group, lowest.data(), highest.data());
      for (std::size_t index = 0; index < groups; ++index) {
        const std::size_t first = index * group;
        const Range range = minmax_kernel(Isa::scalar)(x.data() + first, std::min(group, count - first));
        ASSERT_EQ(lowest[index], range.lowest) << group << " of " << count;
        ASSERT_EQ(highest[index], range.highest) << group << " of " << count;
        scales[index] = 0.5F + static_cast<float>(index);
        zero_points[index] = static_cast<std::int32_t>(index % 7);
      }
      std::vector<std::int16_t> codes(count);
      const GroupedCode how{scales.data(), zero_points.data(), group, -8, 7};
      quantize_kernels(GetParam()).groups_to_s16(how, x.data(), codes.data(), count);
      for (std::size_t i = 0; i < count; ++i) {
        const AffineCode own{scales[i / group], zero_points[i / group], -8, 7};
        ASSERT_EQ(codes[i], expected_code<std::int16_t>(own, x[i])) << i;
      }
    }
  }
}

TEST_P(Variant, PlacesInAHistogram) {
  const HistogramBins bins{16, 4.0F};
  const float infinity = std::numeric_limits<float>::infinity();
  const float odd[] = {3.9999F, -3.9999F, 4.0F, -4.0F, 1e-40F, -1e-40F, 3e38F, std::nanf(""), -infinity, infinity};
  constexpr std::size_t finite = 7;
  for (std::size_t count = 0; count <= 70; ++count) {
    for (const std::size_t odd_ones : {finite, std::size(odd)}) {
      auto x = numbers(count, 5.0F);
      for (std::size_t i = 0; i < count; i += 3) x[i] = i % 2 == 0 ? 0.0F : -0.0F;
      for (std::size_t i = 0; i < odd_ones && 3 * i + 1 < count; ++i) x[3 * i + 1] = odd[i];
      const Range expected_range = minmax_kernel(Isa::scalar)(x.data(), count);
      for (const bool pass_over_zeros : {false, true}) {
        std::vector<std::int32_t> expected;
        for (const float value : x) {
          if (pass_over_zeros && value == 0.0F) continue;
          const bool fits = std::abs(value) < 4.0F;
          expected.push_back((fits ? static_cast<std::int32_t>(std::floor(std::abs(value) * 4)) : 16) + (value < 0 ? 17 : 0));
        }
        const PlaceKernels& kernels = place_kernels(GetParam());
        std::vector<std::int32_t> places(count + 16 + 1, 77);
        Range range{1, 2, 3};
        const std::size_t found = (pass_over_zeros ? kernels.of_nonzero : kernels.of_all)(bins, x.data(), count, places.data(), range);
        EXPECT_EQ(places.back(), 77);
        places.resize(found);
        ASSERT_EQ(places, expected) << count;
        ASSERT_EQ(range.lowest, expected_range.lowest) << count;
        ASSERT_EQ(range.highest, expected_range.highest) << count;
        ASSERT_EQ(range.non_finite, expected_range.non_finite) << count;
      }
    }
  }
}

TEST_P(Variant, ElementwiseLoopsOfAllLengths) {
  const ElementwiseKernels& kernels = elementwise_kernels(GetParam());
  for (std::size_t count = 0; count <= 35; ++count) {
    const auto a = numbers(count);
    const auto b = numbers(count);
    std::vector<float> sum(count), product(count), line(count), clamped(count);
    kernels.add(a.data(), b.data(), sum.data(), count);
    kernels.multiply(a.data(), b.data(), product.data(), count);
    kernels.scale_and_shift(a.data(), 0.3F, 0.7F, line.data(), count);
    kernels.clamp(a.data(), -0.5F, 0.25F, clamped.data(), count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(sum[i], a[i] + b[i]);
      ASSERT_EQ(product[i], a[i] * b[i]);
      const float scaled = a[i] * 0.3F;
      ASSERT_EQ(line[i], scaled + 0.7F);
      ASSERT_EQ(clamped[i], std::clamp(a[i], -0.5F, 0.25F));
    }
  }
  const float nan = std::nanf("");
  float kept = 0;
  kernels.clamp(&nan, 0, 6, &kept, 1);
  EXPECT_TRUE(std::isnan(kept));
}

}  // namespace
}  // namespace titrate::kernels
