// Configs of the sets that come along quantize embeddings as the rest, if the model has any.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/engine/passes/sketch.hpp"
#include "tuner/tuning.hpp"

namespace titrate {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts_of(const engine::Model& model, bool with_tables) {
  const PreparedSpace space =
      prepare_space(model, parse_config_set("rtn();rtn(bits=8) | type:Gather = float"), engine::default_target(), with_tables);
  std::vector<std::string> texts;
  for (const Config& config : space.space.configs) texts.push_back(to_text(config));
  return texts;
}

TEST(TableConfigs, QuantizeTheTablesOfAModel) {
  engine::Sketch sketch(17);
  sketch.input("tokens", {1, 4}, engine::DataType::int64).constant("table", engine::numbers({30, 40}));
  sketch.node("Gather", {"table", "tokens"}, {"e"}).constant("w", engine::numbers({40, 8})).node("MatMul", {"e", "w"}, {"y"});
  const engine::Model model = sketch.output("y").model();
  EXPECT_THAT(texts_of(model, true), ElementsAre("rtn() | type:Gather = rtn()", "rtn(bits=8) | type:Gather = float"));
  EXPECT_THAT(texts_of(model, false), ElementsAre("rtn()", "rtn(bits=8) | type:Gather = float"));
}

}  // namespace
}  // namespace titrate
