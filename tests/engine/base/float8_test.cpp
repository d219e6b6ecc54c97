// Small floats against the golden vectors (algorithms A10, A11).
#include "engine/base/float8.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/engine/quant/golden.hpp"

namespace titrate {
namespace {

const SmallFloat& format_named(const std::string& name) {
  static const std::map<std::string, SmallFloat> formats = {
      {"E4M3FN", float8e4m3fn},     {"E5M2", float8e5m2}, {"E3M4FN", float8e3m4fn}, {"E3M4_IEEE", float8e3m4}, {"E4M3FNUZ", float8e4m3fnuz},
      {"E5M2FNUZ", float8e5m2fnuz}, {"E2M1", float4e2m1}, {"E2M3", float6e2m3},     {"E3M2", float6e3m2},
  };
  return formats.at(name);
}

TEST(Float8, DecodesTheGoldenCodes) {
  for (const auto& each : engine::golden_cases("fp8.json", "decode")) {
    const SmallFloat& format = format_named(each["format"]);
    const std::vector<float> values = engine::golden_floats(each["values"]);
    ASSERT_EQ(values.size(), std::size_t{1} << format.bits());
    for (std::size_t code = 0; code < values.size(); ++code) {
      const float found = decode(format, static_cast<std::uint8_t>(code));
      if (std::isnan(values[code])) {
        EXPECT_TRUE(std::isnan(found)) << format.name << " " << code;
      } else {
        EXPECT_EQ(found, values[code]) << format.name << " " << code;
      }
    }
  }
}

TEST(Float8, EncodesTheGoldenNumbers) {
  for (const auto& each : engine::golden_cases("fp8.json", "encode")) {
    const SmallFloat& format = format_named(each["format"]);
    const std::vector<float> numbers = engine::golden_floats(each["x"]);
    for (const auto& [key, saturate] : {std::pair("code_saturate", true), std::pair("code_no_saturate", false)}) {
      if (!each.contains(key)) continue;
      for (std::size_t index = 0; index < numbers.size(); ++index) {
        const std::uint8_t found = encode(format, numbers[index], saturate);
        if (std::isnan(numbers[index])) {
          EXPECT_TRUE(std::isnan(decode(format, found)) || format.specials == SmallFloat::Specials::none) << format.name;
        } else {
          EXPECT_EQ(found, each[key][index].get<int>()) << format.name << " " << numbers[index];
        }
      }
    }
  }
}

}  // namespace
}  // namespace titrate
