#include "engine/onnx/write.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "engine/base/atomic_file.hpp"
#include "engine/onnx/read.hpp"
#include "tests/engine/onnx/canonical_message.hpp"
#include "tests/engine/onnx/expect_error.hpp"
#include "tests/engine/onnx/message.hpp"

namespace titrate::engine {
namespace {

std::vector<std::byte> rewritten(const Message& model) { return write_model(read_model(model.span(), nullptr, {})); }

void survives(const Message& model) {
  EXPECT_EQ(CanonicalMessage::model(rewritten(model)), CanonicalMessage::model(model.bytes));
  // Once written, the bytes stay what they are.
  const auto once = rewritten(model);
  EXPECT_EQ(write_model(read_model(once, nullptr, {})), once);
}

Message entry(std::string_view key, std::string_view value) { return Message().text(1, key).text(2, value); }
Message future(std::uint32_t field = 4321) { return Message().message(field, Message().text(1, "from the future").integer(2, 5)); }

Message with(Message message, const Message& more) {
  message.bytes += more.bytes;
  return message;
}

TEST(WriteModel, TheJudgeOfRoundTripsSeesDifferences) {
  const auto canonical = [](const Message& graph) { return CanonicalMessage::model(model_message(graph).bytes); };
  EXPECT_NE(canonical(small_graph()), canonical(small_graph().text(10, "doc")));
  EXPECT_NE(canonical(small_graph()), canonical(with(small_graph(), future())));
  EXPECT_NE(canonical(small_graph().message(5, tensor_message("w", 1, {1}).floats(4, {1}))),
            canonical(small_graph().message(5, tensor_message("w", 1, {1}).floats(4, {2}))));
  EXPECT_NE(canonical(Message().message(1, node_message("Add", {"a", "b"}, {"c"}))),
            canonical(Message().message(1, node_message("Add", {"b", "a"}, {"c"}))));
  EXPECT_EQ(canonical(small_graph().message(5, tensor_message("w", 6, {1}).integers(5, {1}))),
            canonical(small_graph().message(5, tensor_message("w", 6, {1}).text(9, std::string_view("\1\0\0\0", 4)))));
}

TEST(WriteModel, KeepsWhatTheModelSays) {
  survives(model_message(small_graph())
               .text(2, "maker")
               .text(3, "1.2")
               .text(4, "org.example")
               .integer(5, 42)
               .text(6, "a model")
               .message(8, with(Message().text(1, "com.example").integer(2, 3), future()))
               .message(14, entry("author", "somebody"))
               .message(14, entry("empty", ""))
               .message(14, with(entry("more than a pair", "x"), future()))
               .message(20, Message().message(2, small_graph()))  // training
               .message(25, Message().text(1, "function").message(7, node_message("Relu", {"a"}, {"b"})))
               .message(26, Message().text(1, "configuration"))  // devices, IR 11
               .integer(777, 1));
}

TEST(WriteModel, KeepsWhatTheGraphSays) {
  Message graph =
      small_graph()
          .text(10, "a graph")
          .message(5, with(tensor_message("w", 1, {1}).floats(4, {1}).text(12, "weights"), Message().message(16, entry("k", "v"))))
          .message(13, value_message("w").text(3, "of the weights"))
          .message(13, value_message("nobody"))
          .message(13, value_message("y"))
          .message(13, value_message("y").text(3, "other words"))
          .message(14, Message().text(1, "y").message(2, entry("SCALE_TENSOR", "s")))  // quantization annotation
          .message(16, entry("k", "v"));
  survives(model_message(with(graph, future())));
}

TEST(WriteModel, KeepsSparseInitializers) {
  const Message sparse = Message()
                             .message(1, tensor_message("sparse", 1, {2}).floats(4, {1, 2}))
                             .message(2, tensor_message("", 7, {2}).integers(7, {0, 3}))
                             .integers(3, {10});
  const Message model = model_message(small_graph().message(15, sparse).message(1, node_message("Neg", {"sparse"}, {"z"}, "n")));
  survives(model);
  EXPECT_NE(CanonicalMessage::model(rewritten(model)).find("sparse"), std::string::npos);
}

TEST(WriteModel, KeepsWhatNodesSay) {
  const auto attribute = [](std::string_view name, std::int64_t type) { return Message().text(1, name).integer(20, type); };
  const Message tensor = with(tensor_message("inner", 1, {1}).floats(4, {5}).text(12, "doc"), future());
  Message node = node_message("Relu", {"x", "", "x"}, {"y", ""}, "n")
                     .text(7, "com.example")
                     .text(6, "doc")
                     .text(8, "overload")
                     .message(9, entry("k", "v"));
  node.message(5, with(attribute("i", 2).integer(3, 1).text(13, "doc"), future()))
      .message(5, attribute("zero", 1).number(2, 0))
      .message(5, attribute("tensor", 4).message(5, tensor))
      .message(5, attribute("new type", 4).message(5, tensor_message("n", 27, {3}).text(9, "123").text(12, "doc")))
      .message(5, attribute("tensors", 9).message(10, tensor).message(10, tensor))
      .message(5, attribute("sparse", 11).message(22, Message().message(1, tensor)))
      .message(5, attribute("type", 13).message(14, Message().text(6, "denotation")))
      .message(5, attribute("reference", 2).text(21, "outer attribute"))
      .message(5, attribute("graphs", 10).message(11, small_graph()).message(11, with(small_graph(), future())))
      .message(5, attribute("empty", 6))
      .message(5, with(attribute("from the future", 99), future()));
  const Message graph = Message().message(1, with(node, future())).message(11, value_message("x")).message(12, value_message("y"));
  survives(model_message(graph).message(8, Message().text(1, "com.example").integer(2, 1)));
}

TEST(WriteModel, KeepsTypesThatNobodyKnowsYet) {
  const Message strange = with(tensor_message("strange", 27, {3}).text(9, "\x12\x34").text(12, "doc"), future());
  const Message typed = tensor_message("typed", 1000, {2}).integers(5, {1, 2});
  survives(model_message(small_graph()
                             .message(5, strange)
                             .message(5, typed)
                             .message(11, value_message("strange", 27))
                             .message(13, value_message("other", 27))));
}

TEST(WriteModel, KeepsTheKnownSmallTypes) {
  Message graph = small_graph();
  for (std::int64_t type = 17; type <= 26; ++type) {
    graph.message(5, tensor_message("w" + std::to_string(type), type, {1}).text(9, "\x01"));
  }
  graph.message(5, tensor_message("halves", 10, {2}).integers(5, {0x3c00, 0xc000}))
      .message(5, tensor_message("bools", 9, {2}).integers(5, {0, 1}));
  graph.message(5, tensor_message("none", 1, {0})).message(5, tensor_message("texts", 8, {2}).text(6, "").text(6, "b"));
  survives(model_message(graph));
}

TEST(WriteModel, KeepsValuesOfEveryType) {
  const Message named = Message().text(2, "batch").text(3, "DATA_BATCH");
  const Message shape = Message().message(1, named).message(1, Message()).message(1, Message().integer(1, 0));
  Message graph = small_graph()
                      .message(11, Message().text(1, "a").message(
                                       2, Message().message(1, Message().integer(1, 1).message(2, shape)).text(6, "denotation")))
                      .message(11, Message().text(1, "b").message(
                                       2, Message().message(4, Message().message(1, Message().message(1, Message().integer(1, 1))))))
                      .message(11, value_message("scalar", 1, {}))
                      .message(11, Message().text(1, "rankless").message(2, Message().message(1, Message().integer(1, 1))))
                      .message(11, with(value_message("c"), Message().message(4, entry("k", "v"))));
  survives(model_message(graph));
}

TEST(WriteModel, InputsKeepTheirOrder) {
  Message graph = Message();
  for (const char* name : {"w1", "x", "w2", "x2", "w3"}) graph.message(11, value_message(name));
  for (const char* name : {"w3", "w1", "w2"}) graph.message(5, tensor_message(name, 1, {1}).floats(4, {1}));
  graph.message(1, node_message("Sum", {"w1", "x", "w2", "x2", "w3"}, {"y"})).message(12, value_message("y"));
  survives(model_message(graph, 3));
}

TEST(WriteModel, SubGraphs) {
  const Message body = Message()
                           .message(1, node_message("Add", {"x", "k"}, {"out"}, "inner"))
                           .message(5, tensor_message("k", 1, {}).floats(4, {2}))
                           .message(12, Message().text(1, "out"));
  const Message node = node_message("If", {"c"}, {"y"}, "outer")
                           .message(5, Message().text(1, "then_branch").integer(20, 5).message(6, body))
                           .message(5, Message().text(1, "else_branch").integer(20, 5).message(6, body));
  survives(model_message(
      Message().message(1, node).message(11, value_message("c", 9, {})).message(11, value_message("x")).message(12, value_message("y"))));
}

TEST(WriteModel, ValuesThatAreNewAreDescribed) {
  Model model = read_model(model_message(small_graph()).span(), nullptr, {});
  Value& input = model.graph[model.graph.inputs[0]];
  input.info = ValueInfo{.type = DataType::int4, .shape = {{{-1, "n"}, {3, ""}, {-1, ""}}}};
  input.value_info_message.clear();
  const ValueId bias = model.graph.add_constant("bias", Tensor::scalar(1.5F));
  model.graph.nodes[0].inputs.push_back(bias);
  const ValueId inner = model.graph.add_value("inner", ValueInfo{.type = DataType::float32, .shape = std::vector<Dimension>{}});
  model.graph.nodes[0].outputs.push_back(inner);
  const auto bytes = write_model(model);
  const Model again = read_model(bytes, nullptr, {});
  EXPECT_EQ(again.graph[again.graph.inputs[0]].info, input.info);
  EXPECT_EQ(again.graph[*again.graph.find_value("inner")].info, model.graph[inner].info);
  EXPECT_EQ(to_doubles(*again.graph[*again.graph.find_value("bias")].constant), std::vector<double>{1.5});
  EXPECT_TRUE(again.graph[*again.graph.find_value("bias")].value_info_message.empty());
}

TEST(WriteModel, RenamedValuesAreDescribedByTheirNewName) {
  Model model = read_model(model_message(small_graph()).span(), nullptr, {});
  model.graph[model.graph.outputs[0]].name = "renamed";
  const Model again = read_model(write_model(model), nullptr, {});
  EXPECT_EQ(again.graph[again.graph.outputs[0]].name, "renamed");
  EXPECT_EQ(again.graph[again.graph.outputs[0]].info->type, DataType::float32);
}

class Saved : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("titrate-write-test-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) names.push_back(file.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  static Model big_model(const std::string& producer) {
    Message graph = small_graph();
    graph.message(5, tensor_message("big", 2, {2000}).text(9, std::string(2000, 'b')));
    graph.message(5, tensor_message("bigger", 2, {3000}).text(9, std::string(3000, 'c')));
    graph.message(5, tensor_message("small", 2, {4}).text(9, "1234"));
    return read_model(model_message(graph).text(2, producer).span(), nullptr, {});
  }

  std::filesystem::path folder_;
};

using Names = std::vector<std::string>;

TEST_F(Saved, InOneFile) {
  const Model model = big_model("titrate");
  save_model(model, folder_ / "m.onnx");
  EXPECT_EQ(files(), Names{"m.onnx"});
  EXPECT_EQ(stored_bytes(folder_ / "m.onnx"), std::filesystem::file_size(folder_ / "m.onnx"));
  EXPECT_EQ(write_model(read_model(folder_ / "m.onnx")), write_model(model));
}

TEST_F(Saved, WithExternalData) {
  const Model model = big_model("titrate");
  save_model(model, folder_ / "m.onnx", 4000);
  EXPECT_EQ(files(), (Names{"m.onnx", "m.onnx.data"}));
  EXPECT_LT(std::filesystem::file_size(folder_ / "m.onnx"), 1000U);
  // 2000 bytes, padded to a multiple of 64, and 3000 bytes.
  EXPECT_EQ(std::filesystem::file_size(folder_ / "m.onnx.data"), 5048U);
  EXPECT_EQ(stored_bytes(folder_ / "m.onnx"), std::filesystem::file_size(folder_ / "m.onnx") + 5048U);
  EXPECT_EQ(write_model(read_model(folder_ / "m.onnx")), write_model(model));
}

TEST_F(Saved, AgainAndAgainDoesNotFillTheDisk) {
  const Model model = big_model("titrate");
  save_model(model, folder_ / "m.onnx", 4000);
  save_model(read_model(folder_ / "m.onnx"), folder_ / "m.onnx", 4000);  // over the very file that the tensors come from
  EXPECT_EQ(files(), (Names{"m.onnx", "m.onnx.2.data"}));
  EXPECT_EQ(write_model(read_model(folder_ / "m.onnx")), write_model(model));
  save_model(read_model(folder_ / "m.onnx"), folder_ / "m.onnx");
  EXPECT_EQ(files(), Names{"m.onnx"});
}

TEST_F(Saved, NeverRemovesDataOfOthers) {
  save_model(big_model("pytorch"), folder_ / "m.onnx", 4000);
  save_model(big_model("titrate"), folder_ / "m.onnx", 4000);
  EXPECT_EQ(files(), (Names{"m.onnx", "m.onnx.2.data", "m.onnx.data"}));
}

TEST_F(Saved, NothingIsLeftOfWhatFails) {
  std::filesystem::create_directory(folder_ / "m.onnx");
  EXPECT_THROW(save_model(big_model("titrate"), folder_ / "m.onnx", 4000), Error);
  EXPECT_EQ(files(), Names{"m.onnx"});
  EXPECT_THROW(save_model(big_model("titrate"), folder_ / "nowhere" / "m.onnx", 4000), Error);
  EXPECT_EQ(files(), Names{"m.onnx"});
}

TEST_F(Saved, StoredBytesOfNothing) {
  expect_invalid([&] { std::ignore = stored_bytes(folder_ / "nowhere.onnx"); }, "nowhere.onnx");
  write_file_atomically(folder_ / "text.onnx", "this is no model");
  expect_invalid([&] { std::ignore = stored_bytes(folder_ / "text.onnx"); }, "text.onnx");
}

}  // namespace
}  // namespace titrate::engine
