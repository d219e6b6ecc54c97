// quantize() of the public interface on the embedded model and data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "datasets/dataset.hpp"
#include "engine/base/error.hpp"
#include "tuner/titrate.hpp"

namespace titrate {
namespace {

using testing::HasSubstr;

const char* const glyphs = TITRATE_SOURCE_DIR "/datasets/embedded/glyphs.onnx";

class FixedInput : public Quantizer {
 public:
  [[nodiscard]] std::string name() const override { return "fixed input"; }
  void annotate(const GraphDescription& graph, Annotations& annotations) const override {
    const NodeDescription& first = graph.nodes().front();
    annotations.annotate(input_of(first.name), FixedSpec{.scale = 1.0F / 128, .zero_point = 128});
  }
};

class Nothing : public Quantizer {
 public:
  [[nodiscard]] std::string name() const override { return "nothing"; }
  void annotate(const GraphDescription&, Annotations&) const override {}
};

TEST(Quantize, WithTheBuiltInQuantizerIsTheScheme) {
  const Model model = Model::load(glyphs);
  const Data data = Data::open("embedded", model);
  const auto built_in = static_int8_quantizer();
  const QuantizedModel said = quantize(model, {*built_in}, &data);
  auto prepared = prepare(model, "static_int8()");
  calibrate(prepared, data);
  const Model scheme = convert(prepared);
  for (const std::int64_t index : {0, 1, 2}) {
    const engine::Tensor sample = data.dataset()->sample(index).at(0);
    const auto numbers = sample.data<float>();
    const Array input{.shape = sample.shape(), .values = {numbers.begin(), numbers.end()}};
    EXPECT_EQ(said.model.run({input}).at(0).values, scheme.run({input}).at(0).values) << index;
  }
  EXPECT_NEAR(static_cast<double>(said.model.size_bytes()), static_cast<double>(scheme.size_bytes()),
              0.05 * static_cast<double>(scheme.size_bytes()));
}

TEST(Quantize, ComposesQuantizers) {
  const Model model = Model::load(glyphs);
  const Data data = Data::open("embedded", model);
  const FixedInput mine;
  const auto rest = static_int8_quantizer();
  const QuantizedModel quantized = quantize(model, {mine, *rest}, &data);
  const auto found = std::ranges::find(quantized.edges, std::string("fixed input"), &QuantizedEdge::quantizer);
  ASSERT_NE(found, quantized.edges.end());
  EXPECT_EQ(found->type, "uint8");
  EXPECT_EQ(found->parameters, (QuantizationParameters{.scales = {1.0F / 128}, .zero_points = {128}}));
  EXPECT_NE(std::ranges::find(quantized.edges, std::string("static_int8()"), &QuantizedEdge::quantizer), quantized.edges.end());
  EXPECT_LT(quantized.model.size_bytes(), model.size_bytes());
}

TEST(Quantize, SaysWhatIsMissing) {
  const Model model = Model::load(glyphs);
  const auto built_in = static_int8_quantizer();
  try {
    (void)quantize(model, {*built_in});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(error.what(), HasSubstr("no calibration data"));
  }
  const Nothing nothing;
  try {
    (void)quantize(model, {nothing});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("annotate nothing"));
  }
  EXPECT_THROW((void)static_int8_quantizer("rtn()"), Error);
  EXPECT_THROW((void)static_int8_quantizer("static_int8()", "no_such_target"), Error);
}

}  // namespace
}  // namespace titrate
