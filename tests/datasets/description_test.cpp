#include "datasets/description.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using testing::ElementsAre;
using testing::HasSubstr;

std::string error_for(const std::string& text) {
  return error_of([&] { (void)parse_description(text, "data.json"); });
}
std::string error_for_input(const std::string& fields) { return error_for(R"({"inputs": {"x": {"source": "x.npy", )" + fields + "}}}"); }

TEST(Description, ReadsEveryField) {
  const Description description = parse_description(R"({"inputs": {
      "image": {"source": "pictures/", "cast": "float32", "layout": "NHWC->NCHW", "resize": {"shorter_side": 256},
                "crop": {"size": [224, 200]}, "channel_order": "BGR", "scale": 0.5, "mean": [1, 2, 3], "std": 4},
      "state": {"source": "s.npz:h", "reshape": [2, 1, 128]},
      "rate": {"source": "r.npy", "reshape": [], "resize": {"size": [8, 9], "method": "bicubic"}}},
      "labels": {"source": "l.npy"}, "range": [10, 20]})",
                                                    "data.json");
  ASSERT_EQ(description.inputs.size(), 3U);
  const InputDescription& image = description.inputs[0];
  EXPECT_EQ(image.name, "image");
  EXPECT_EQ(image.source, "pictures/");
  EXPECT_EQ(image.preparation.cast, DataType::float32);
  EXPECT_EQ(image.preparation.layout, LayoutChange::channels_first);
  EXPECT_EQ(image.preparation.resizing->shorter_side, 256);
  EXPECT_EQ(image.preparation.crop->height, 224);
  EXPECT_EQ(image.preparation.crop->width, 200);
  EXPECT_TRUE(image.preparation.reverse_channels);
  EXPECT_EQ(image.preparation.normalisation.scale, 0.5);
  EXPECT_THAT(image.preparation.normalisation.mean, ElementsAre(1, 2, 3));
  EXPECT_THAT(image.preparation.normalisation.std, ElementsAre(4));
  EXPECT_EQ(description.inputs[1].preparation.reshape, (Shape{2, 1, 128}));
  EXPECT_EQ(description.inputs[2].preparation.reshape, Shape{});
  EXPECT_EQ(description.inputs[2].preparation.resizing->method, ResizeMethod::bicubic);
  EXPECT_EQ(description.inputs[2].preparation.resizing->size.width, 9);
  EXPECT_EQ(description.labels, "l.npy");
  EXPECT_EQ(description.range, std::pair(std::int64_t{10}, std::int64_t{20}));
}

TEST(Description, TextOfAPreparationTellsDifferentOnesApart) {
  const auto text = [](const std::string& fields) {
    return to_text(parse_description(R"({"inputs": {"x": {"source": "x.npy")" + fields + "}}}", "x").inputs[0].preparation);
  };
  EXPECT_EQ(text(""), text(R"(, "scale": 1, "mean": 0, "std": [1], "channel_order": "RGB")"));
  EXPECT_NE(text(""), text(R"(, "scale": 2)"));
  EXPECT_NE(text(""), text(R"(, "reshape": [])"));
  EXPECT_NE(text(R"(, "resize": {"size": [4, 5]})"), text(R"(, "resize": {"size": [5, 4]})"));
}

TEST(Description, RefusesWhatIsNoJson) {
  EXPECT_THAT(error_for(R"({"inputs": {)"), AllOf(HasSubstr("no JSON"), HasSubstr("data.json")));
  EXPECT_THAT(error_for(""), HasSubstr("no JSON"));
  EXPECT_THAT(error_for("[]"), HasSubstr("no object"));
  EXPECT_THAT(error_for(R"({"range": [0, 1e999]})"), HasSubstr("no JSON"));
  EXPECT_THAT(error_for(std::string(200'000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(error_for(R"({"inputs": {"x": )" + std::string(100, '{') + "}}"), HasSubstr("data.json"));
  EXPECT_THAT(error_for(R"({"inputs": {"x": {"source": "a"}, "x": {"source": "b"}}})"), HasSubstr("the key 'x' twice"));
  EXPECT_THAT(error_for(std::string(2'000'000, ' ')), HasSubstr("more than 1000000 bytes"));
}

TEST(Description, NamesUnknownKeys) {
  EXPECT_THAT(error_for(R"({"input": {}})"), AllOf(HasSubstr("'input'"), HasSubstr("did you mean 'inputs'")));
  EXPECT_THAT(error_for_input(R"("scal": 1)"), AllOf(HasSubstr("'inputs.x'"), HasSubstr("'scal'"), HasSubstr("did you mean 'scale'")));
  EXPECT_THAT(error_for_input(R"("crop": {"sice": [1, 1]})"), HasSubstr("'inputs.x.crop'"));
  EXPECT_THAT(error_for(R"({"inputs": {"x": {"source": "a"}}, "labels": {"file": "b"}})"), HasSubstr("'labels'"));
}

TEST(Description, NamesValuesThatAreWrong) {
  EXPECT_THAT(error_for(R"({"labels": {"source": "x"}})"), HasSubstr("lacks 'inputs'"));
  EXPECT_THAT(error_for(R"({"inputs": {}})"), HasSubstr("'inputs'"));
  EXPECT_THAT(error_for(R"({"inputs": {"x": 3}})"), HasSubstr("'inputs.x' is no object"));
  EXPECT_THAT(error_for(R"({"inputs": {"x": {}}})"), HasSubstr("lacks 'source'"));
  EXPECT_THAT(error_for_input(R"("cast": "float33")"), AllOf(HasSubstr("float33"), HasSubstr("float16")));
  EXPECT_THAT(error_for_input(R"("cast": "int4")"), HasSubstr("int4"));
  EXPECT_THAT(error_for_input(R"("layout": "HWC")"), AllOf(HasSubstr("HWC"), HasSubstr("NHWC->NCHW")));
  EXPECT_THAT(error_for_input(R"("resize": {})"), HasSubstr("shorter_side"));
  EXPECT_THAT(error_for_input(R"("resize": {"size": [3]})"), HasSubstr("pair"));
  EXPECT_THAT(error_for_input(R"("resize": {"shorter_side": 0})"), HasSubstr("from 1 to"));
  EXPECT_THAT(error_for_input(R"("resize": {"size": [1e4, 3]})"), HasSubstr("no whole number"));
  EXPECT_THAT(error_for_input(R"("std": [1, 0])"), HasSubstr("zero"));
  EXPECT_THAT(error_for_input(R"("std": [1, 2], "mean": [1, 2, 3])"), HasSubstr("3 numbers in 'mean', but 2 in 'std'"));
  EXPECT_THAT(error_for_input(R"("mean": [])"), HasSubstr("empty"));
  EXPECT_THAT(error_for_input(R"("scale": "1")"), HasSubstr("no number"));
  EXPECT_THAT(error_for_input(R"("reshape": [-1])"), HasSubstr("'inputs.x.reshape[0]'"));
  EXPECT_THAT(error_for_input(R"("reshape": [18446744073709551615])"), HasSubstr("no whole number"));
  EXPECT_THAT(error_for(R"({"inputs": {"x": {"source": "a"}}, "range": [2, 2]})"), HasSubstr("'range' is empty"));
  EXPECT_THAT(error_for(R"({"inputs": {"x": {"source": "a"}}, "range": [-1, 2]})"), HasSubstr("'range[0]'"));
  EXPECT_THAT(error_for("{\"inputs\": {\"x\": {\"source\": \"a\", \"\\u001b[2J\": 1}}}"), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace titrate
