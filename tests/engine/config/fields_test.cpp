// The table of fields against the structs, and the promises that old studies rest on.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "engine/base/error.hpp"
#include "engine/config/built_in_sets.hpp"
#include "engine/config/fields.hpp"
#include "engine/config/subgraph.hpp"

namespace titrate {
namespace {

template <class Part>
void append_defaults(std::span<const PartRow<Part>> rows, std::vector<std::string>& texts) {
  for (const PartRow<Part>& row : rows) {
    for (const FieldRowOf<Part>& field : row.fields)
      texts.push_back(std::string(row.name) + "." + std::string(field.key) + "=" + row.default_text(field));
  }
}

TEST(FieldTable, DefaultsAreFrozen) {
  // A canonical text leaves defaults out, so a changed default would change the meaning of every recorded trial. Never edit a line; a new
  // field adds one.
  const std::vector<std::string> frozen = {
      "rtn.bits=4",
      "rtn.sym=true",
      "rtn.full_range=false",
      "rtn.group_size=32",
      "rtn.clip=none",
      "static_int8.act=u8",
      "static_int8.act_sym=false",
      "static_int8.weight_sym=true",
      "static_int8.per_channel=true",
      "static_int8.calibrator=minmax",
      "static_int8.percentile=99.99",
      "static_int8.reduce_range=false",
      "dynamic_int8.act=u8",
      "dynamic_int8.per_channel=true",
      "dynamic_int8.weight_sym=true",
      "fp8.format=e4m3",
      "fp8.weights_only=false",
      "fp8.per_channel=true",
      "fp8.calibrator=minmax",
      "gptq.bits=4",
      "gptq.sym=true",
      "gptq.group_size=32",
      "gptq.clip=mse",
      "gptq.damp=0.01",
      "gptq.act_order=false",
      "gptq.refine=4",
      "awq.bits=4",
      "awq.sym=true",
      "awq.group_size=32",
      "awq.clip=mse",
      "hqq.bits=4",
      "hqq.group_size=64",
      "adaround.bits=4",
      "adaround.sym=true",
      "adaround.group_size=32",
      "adaround.clip=mse",
      "adaround.iterations=1000",
      "signround.bits=4",
      "signround.sym=true",
      "signround.group_size=32",
      "signround.iterations=200",
      "mx.format=fp8_e4m3",
      "mx.rule=floor",
      "mx.weights_only=true",
      "mx.storage=type",
      "nvfp4.weights_only=true",
      "nvfp4.rule=nearest",
      "nvfp4.storage=type",
      "nf4.group_size=64",
      "bf16.weights_only=false",
      "smoothquant.alpha=0.5",
      "bias_correction.mode=fast",
      "finetune.epochs=10",
      "finetune.layers=1",
      "finetune.rate=auto",
  };
  std::vector<std::string> found;
  append_defaults(scheme_rows(), found);
  append_defaults(stage_rows(), found);
  EXPECT_EQ(found, frozen);
}

TEST(FieldTable, SixteenBitsAreForStaticActivationsOnly) {
  EXPECT_EQ(std::get<StaticInt8Scheme>(parse_config("static_int8(act=s16)").scheme).act, ActivationType::s16);
  EXPECT_EQ(scheme_named("static_int8")->field_named("act")->range_text(), "one of u8, s8, u16, s16");
  EXPECT_EQ(scheme_named("dynamic_int8")->field_named("act")->range_text(), "one of u8, s8");
  EXPECT_THROW((void)parse_config("dynamic_int8(act=u16)"), Error);
}

template <class Part>
void check_rows() {
  std::size_t index = 0;
  for (const PartRow<Part>& row : part_rows<Part>()) {
    EXPECT_EQ(row.defaults.index(), index++);
    EXPECT_EQ(part_named<Part>(row.name), &row);
    EXPECT_FALSE(row.what.empty());
    for (const FieldRowOf<Part>& field : row.fields) {
      EXPECT_FALSE(field.help.empty()) << field.key;
      EXPECT_EQ(row.field_named(field.key), &field);
      EXPECT_EQ(field.value_of(row.default_text(field)), row.default_of(field));
    }
  }
}

TEST(FieldTable, RowsStandInTheOrderOfTheVariant) {
  check_rows<Scheme>();
  check_rows<Stage>();
  EXPECT_EQ(scheme_name(RtnScheme{}), "rtn");
  EXPECT_EQ(stage_name(EqualizeStage{}), "equalize");
  EXPECT_EQ(scheme_named("rtm"), nullptr);
}

TEST(FieldTable, ANumberMayBeAWord) {
  const StageFieldRow& alpha = *stage_named("smoothquant")->field_named("alpha");
  EXPECT_EQ(alpha.value_of("auto"), FieldValue(SmoothQuantStage::automatic));
  EXPECT_EQ(alpha.value_text(SmoothQuantStage::automatic), "auto");
  EXPECT_EQ(alpha.value_of("0.25"), FieldValue(0.25));
  EXPECT_EQ(alpha.value_of("0"), std::nullopt);
  EXPECT_EQ(alpha.range_text(), "above 0, up to 1, or auto");
}

TEST(FieldTable, NamesFollowTheirEnumerations) {
  EXPECT_EQ(name_of(Clip::mse), "mse");
  EXPECT_EQ(name_of(ActivationType::s8), "s8");
  EXPECT_EQ(name_of(CalibratorKind::minmax), "minmax");
  EXPECT_EQ(name_of(CalibratorKind::moving_average), "moving_average");
  EXPECT_EQ(name_of(CalibratorKind::percentile), "percentile");
  EXPECT_EQ(name_of(CalibratorKind::entropy), "entropy");
  EXPECT_EQ(name_of(CalibratorKind::mse), "mse");
  EXPECT_EQ(name_of(Float8Format::e5m2), "e5m2");
  EXPECT_EQ(name_of(Float8Format::e3m4), "e3m4");
}

FieldValue random_value(const FieldDescription& field, std::mt19937& random) {
  if (field.kind == FieldKind::number) {
    if (!field.word.empty() && random() % 3 == 0) return field.word_value;
    return std::uniform_real_distribution<>(field.above + 1e-9, field.up_to)(random);
  }
  if (field.kind == FieldKind::integer) {
    if (!field.also.empty() && random() % 3 == 0) return field.also[random() % field.also.size()];
    return std::uniform_int_distribution<std::int64_t>(field.least, field.most)(random);
  }
  return static_cast<std::int64_t>(random() % field.names.size());
}

template <class Part>
Part random_part(std::mt19937& random) {
  const PartRow<Part>& row = part_rows<Part>()[random() % part_rows<Part>().size()];
  Part part = row.defaults;
  for (const FieldRowOf<Part>& field : row.fields) {
    if (random() % 2 == 0) field.set(part, random_value(field, random));
  }
  return part;
}

std::vector<Stage> random_stages(std::mt19937& random) {
  std::vector<Stage> stages;
  while (random() % 2 == 0) {
    Stage stage = random_part<Stage>(random);
    if (std::ranges::none_of(stages, [&](const Stage& other) { return other.index() == stage.index(); })) stages.push_back(stage);
  }
  return stages;
}

std::string random_name(std::mt19937& random) {
  // Everything that the grammar gives a meaning to, and UTF-8, in names.
  const std::vector<std::string> parts = {"a", "B",  "0",  "/",  ".",  "_", ":", " ", "=", "|",
                                          ";", "\"", "\\", "\t", "\n", "ä", "(", ",", "]", "+"};
  std::string name;
  do {
    name += parts[random() % parts.size()];
  } while (random() % 8 != 0);
  return name;
}

std::string random_pattern(Override::Kind kind, std::mt19937& random) {
  switch (kind) {
    case Override::Kind::regex:
      return "conv[0-9]+ (a|b)=" + std::to_string(random() % 1000);
    case Override::Kind::between:
      return to_text(SubgraphSelector{.inputs = {random_name(random), random_name(random)}, .outputs = {random_name(random)}});
    case Override::Kind::position:
      return std::to_string(random() % 100 + 1);
    default:
      return random_name(random);
  }
}

Config random_config(std::mt19937& random) {
  Config config{random_part<Scheme>(random), {}, random_stages(random)};
  std::set<std::pair<int, std::string>> seen;
  while (random() % 2 == 0) {
    const auto kind = static_cast<Override::Kind>(random() % 5);
    const std::string pattern = random_pattern(kind, random);
    if (seen.insert({static_cast<int>(kind), pattern}).second)
      config.overrides.push_back({kind, pattern, random_part<Scheme>(random), random_stages(random)});
  }
  return config;
}

TEST(FieldTable, PrintedConfigsReadBackTheSame) {
  std::mt19937 random(20260101);
  for (int round = 0; round < 2000; ++round) {
    const Config config = random_config(random);
    const std::string text = to_text(config);
    const Config again = parse_config(text);
    ASSERT_EQ(again, canonical(config)) << text;
    ASSERT_EQ(to_text(again), text);
    ASSERT_EQ(hash_of(again), hash_of(config));
  }
}

TEST(FieldTable, TheHashIsTheSameInEveryBuild) {
  // FNV-1a, 64 bit, of "rtn()" and "float", computed by another implementation.
  EXPECT_EQ(hash_of(parse_config("rtn(bits=4)")), 0x75d4f176238e447cU);
  EXPECT_EQ(hash_of(parse_config("float")), 0xa00a62a942b20165U);
}

}  // namespace
}  // namespace titrate
