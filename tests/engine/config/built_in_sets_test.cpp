#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "engine/config/built_in_sets.hpp"
#include "engine/config/config.hpp"

namespace titrate {
namespace {

using ::testing::Contains;

// Bits that a row of `columns` weights takes with its scales (float) and zero points, divided by the weights. Per tensor counts as none.
double stored_bits(const Scheme& scheme, double columns) {
  if (const auto* rtn = std::get_if<RtnScheme>(&scheme)) {
    const double groups = rtn->group_size == 0 ? 0 : rtn->group_size < 0 ? 1 : std::ceil(columns / rtn->group_size);
    return rtn->bits + groups * (32 + (rtn->sym ? 0 : rtn->bits)) / columns;
  }
  const auto per_channel = [&](bool yes, bool zero_points) { return 8 + (yes ? 32 + (zero_points ? 8 : 0) : 0) / columns; };
  if (const auto* integer = std::get_if<StaticInt8Scheme>(&scheme)) return per_channel(integer->per_channel, !integer->weight_sym);
  return 8;
}

TEST(BuiltInSets, GoFromTheMostCompressedToTheLeast) {
  for (const char* family : {"rtn", "static_int8"}) {
    double before = 0;
    for (const Config& config : parse_config_set("all")) {
      if (scheme_name(config.scheme) != family) continue;
      const double bits = stored_bits(config.scheme, 4096);
      EXPECT_GE(bits, before) << to_text(config);
      before = bits;
    }
  }
}

TEST(BuiltInSets, AllHoldsAFewDozenAndTheOthersMembers) {
  const std::vector<Config> all = parse_config_set("all");
  EXPECT_GE(all.size(), 25U);
  EXPECT_LE(all.size(), 40U);
  for (const char* text : {"int8", "weight_only"}) {
    for (const Config& config : parse_config_set(text)) EXPECT_THAT(all, Contains(config)) << to_text(config);
  }
  for (const char* text : {"rtn()", "rtn(bits=8,group_size=-1)", "static_int8()", "dynamic_int8()", "fp8()"}) {
    EXPECT_THAT(all, Contains(parse_config(text)));
  }
}

TEST(BuiltInSets, FourBitsComeBeforeIntegersBeforeEightBitWeights) {
  const std::vector<Config> all = parse_config_set("all");
  const auto place = [&](const char* text) { return std::ranges::find(all, parse_config(text)) - all.begin(); };
  EXPECT_EQ(to_text(all.front()), "rtn(group_size=-1,clip=mse)");
  EXPECT_LT(place("rtn(sym=false,group_size=16,clip=mse)"), place("static_int8(per_channel=false)"));
  EXPECT_LT(place("static_int8()"), place("rtn(bits=8,group_size=-1)"));
  EXPECT_LT(place("rtn(bits=8,group_size=-1)"), place("fp8()"));
  EXPECT_EQ(to_text(all.back()), "dynamic_int8()");
}

TEST(BuiltInSets, EachExpandsWithoutDuplicatesAndHoldsNoOverrides) {
  for (const ConfigSetRow& row : config_set_rows()) {
    const std::vector<Config> configs = parse_config_set(row.name);
    EXPECT_FALSE(configs.empty()) << row.name;
    EXPECT_FALSE(row.what.empty());
    for (const Config& config : configs) {
      EXPECT_TRUE(config.overrides.empty()) << "an override that fits no node of somebody's model would be an error";
      EXPECT_EQ(std::ranges::count(configs, config), 1);
    }
  }
  EXPECT_EQ(parse_config_set("fp8").size(), 6U);
  EXPECT_EQ(to_text(parse_config_set("performance").front()), "static_int8(act_sym=true)");
  EXPECT_EQ(to_text(parse_config_set("mixed").front()), "static_int8()");
}

}  // namespace
}  // namespace titrate
