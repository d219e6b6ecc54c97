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
  const auto in_groups = [&](const auto& weights) {
    const double groups = weights.group_size == 0 ? 0 : weights.group_size < 0 ? 1 : std::ceil(columns / weights.group_size);
    return weights.bits + groups * (32 + (weights.sym ? 0 : weights.bits)) / columns;
  };
  if (const auto* rtn = std::get_if<RtnScheme>(&scheme)) return in_groups(*rtn);
  if (const auto* gptq = std::get_if<GptqScheme>(&scheme)) return in_groups(*gptq);
  const auto per_channel = [&](bool yes, bool zero_points) { return 8 + (yes ? 32 + (zero_points ? 8 : 0) : 0) / columns; };
  if (const auto* integer = std::get_if<StaticInt8Scheme>(&scheme)) return per_channel(integer->per_channel, !integer->weight_sym);
  return 8;
}

TEST(BuiltInSets, GoFromTheMostCompressedToTheLeast) {
  for (const char* family : {"rtn", "gptq", "static_int8"}) {
    double before = 0;
    for (const Config& config : parse_config_set("all")) {
      if (scheme_name(config.scheme) != family) continue;
      const double bits = stored_bits(config.scheme, 4096);
      EXPECT_GE(bits, before) << to_text(config);
      before = bits;
    }
  }
}

TEST(BuiltInSets, TrainingComesBehindWhatItStartsFromAndOnlyInLowBit) {
  const std::vector<Config> low = parse_config_set("low_bit");
  int trained = 0;
  for (auto config = low.begin(); config != low.end(); ++config) {
    if (config->stages != std::vector<Stage>{FinetuneStage{}}) continue;
    EXPECT_NE(std::find(low.begin(), config, Config{.scheme = config->scheme}), config) << to_text(*config);
    ++trained;
  }
  EXPECT_EQ(trained, 6);
  for (const char* text : {"all", "weight_only"}) {
    for (const Config& config : parse_config_set(text)) EXPECT_THAT(config.stages, ::testing::Not(Contains(Stage(FinetuneStage{}))));
  }
}

TEST(BuiltInSets, AllHoldsAFewDozenAndTheOthersMembers) {
  const std::vector<Config> all = parse_config_set("all");
  EXPECT_GE(all.size(), 25U);
  EXPECT_LE(all.size(), 48U);
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
  EXPECT_LT(place("fp8()"), place("dynamic_int8()"));
  EXPECT_EQ(to_text(all.back()), "bf16()");
}

// What a tuning run ends with shall load.
TEST(BuiltInSets, MicroscalingHoldsOnlyWhatOnnxRuntimeLoads) {
  const std::vector<Config> configs = parse_config_set("microscaling");
  EXPECT_EQ(to_text(configs.front()), "nf4(group_size=-1)");
  for (const Config& config : configs) {
    const auto* mx = std::get_if<MxScheme>(&config.scheme);
    const auto* nvfp4 = std::get_if<Nvfp4Scheme>(&config.scheme);
    EXPECT_TRUE(mx == nullptr || mx->format != MxFormat::fp4 || (mx->weights_only && mx->storage == Float4Storage::table));
    EXPECT_TRUE(nvfp4 == nullptr || (nvfp4->weights_only && nvfp4->storage == Float4Storage::table));
  }
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
