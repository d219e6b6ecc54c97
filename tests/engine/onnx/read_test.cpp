#include "engine/onnx/read.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "engine/base/atomic_file.hpp"
#include "engine/onnx/write.hpp"
#include "tests/engine/onnx/expect_error.hpp"
#include "tests/engine/onnx/message.hpp"

namespace titrate::engine {
namespace {

using testing::HasSubstr;

Model read(const Message& model) { return read_model(model.span(), nullptr, {}); }
Model read_of(const Message& graph) { return read(model_message(graph)); }
void refused(const Message& model, const std::string& words) {
  expect_invalid([&] { std::ignore = read(model); }, words);
}

Message scalar_initializer(std::string_view name, float value) { return tensor_message(name, 1, {}).floats(4, {value}); }

TEST(ReadModel, TheModelItself) {
  const Model model = read(model_message(small_graph())
                               .text(2, "maker")
                               .text(3, "1.2")
                               .message(8, Message().text(1, "com.microsoft").integer(2, 1))
                               .message(14, Message().text(1, "key").text(2, "value")));
  EXPECT_EQ(model.ir_version, 8);
  EXPECT_EQ(model.opset(), 17);
  EXPECT_EQ(model.opset("com.microsoft"), 1);
  EXPECT_EQ(model.producer_name, "maker");
  EXPECT_EQ(model.producer_version, "1.2");
  ASSERT_EQ(model.metadata.size(), 1U);
  EXPECT_EQ(model.metadata[0].second, "value");
  EXPECT_EQ(model.graph.name, "small");
  ASSERT_EQ(model.graph.inputs.size(), 1U);
  EXPECT_EQ(model.graph[model.graph.inputs[0]].name, "x");
  EXPECT_EQ(model.graph[model.graph.inputs[0]].info->type, DataType::float32);
  EXPECT_TRUE(model.warnings.empty());
}

TEST(ReadModel, ShapesOfValues) {
  const Message named = Message().text(2, "batch");
  const Message shape =
      Message().message(1, named).message(1, Message().integer(1, 3)).message(1, Message().integer(1, -1)).message(1, Message());
  const Message type = Message().message(1, Message().integer(1, 10).message(2, shape));
  const Message sequence = Message().text(1, "s").message(2, Message().message(4, Message()));
  const Model model = read_of(
      small_graph().message(11, Message().text(1, "z").message(2, type)).message(11, sequence).message(11, Message().text(1, "untyped")));
  const auto info = [&](std::size_t input) { return model.graph[model.graph.inputs[input]].info; };
  EXPECT_EQ(info(1), (ValueInfo{.type = DataType::float16, .shape = {{{-1, "batch"}, {3, ""}, {-1, ""}, {-1, ""}}}}));
  EXPECT_EQ(info(2), std::nullopt);
  EXPECT_EQ(info(3), std::nullopt);
  const Model scalar = read_of(small_graph().message(11, value_message("z", 1, {})));
  EXPECT_EQ(scalar.graph[scalar.graph.inputs[1]].info->shape, std::vector<Dimension>{});
  const Model rankless =
      read_of(small_graph().message(11, Message().text(1, "z").message(2, Message().message(1, Message().integer(1, 1)))));
  EXPECT_EQ(rankless.graph[rankless.graph.inputs[1]].info->shape, std::nullopt);
}

TEST(ReadModel, AttributesOfEveryKind) {
  const auto attribute = [](std::string_view name, std::int64_t type) { return Message().text(1, name).integer(20, type); };
  const Message node = node_message("Relu", {"x"}, {"y"})
                           .message(5, attribute("f", 1).number(2, 0.5F))
                           .message(5, attribute("i", 2).integer(3, -7))
                           .message(5, attribute("s", 3).text(4, "text"))
                           .message(5, attribute("t", 4).message(5, scalar_initializer("inner", 3)))
                           .message(5, attribute("floats", 6).number(7, 1).number(7, 2))
                           .message(5, attribute("ints", 7).integer(8, 1).integer(8, -2))
                           .message(5, attribute("packed", 7).integers(8, {3, 4}))
                           .message(5, attribute("strings", 8).text(9, "").text(9, "b"))
                           .message(5, attribute("none", 7))
                           .message(5, attribute("zero", 2))
                           .message(5, Message().text(1, "old").integer(3, 5))  // IR 1: no type
                           .message(5, attribute("types", 14).message(15, Message()))
                           .message(5, attribute("newest", 77).text(99, "what is this"));
  const Model model = read_of(Message().message(1, node).message(11, value_message("x")).message(12, value_message("y")));
  const Node& read = model.graph.nodes[0];
  EXPECT_EQ(read.number("f", 0), 0.5F);
  EXPECT_EQ(read.integer("i", 0), -7);
  EXPECT_EQ(read.text("s", ""), "text");
  EXPECT_EQ(to_doubles(*read.tensor("t")), std::vector<double>{3});
  EXPECT_EQ(read.numbers("floats"), (std::vector<float>{1, 2}));
  EXPECT_EQ(read.integers("ints"), (std::vector<std::int64_t>{1, -2}));
  EXPECT_EQ(read.integers("packed"), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(std::get<std::vector<std::string>>(read.find("strings")->content), (std::vector<std::string>{"", "b"}));
  EXPECT_EQ(read.integers("none", {1}), std::vector<std::int64_t>{});
  EXPECT_EQ(read.integer("zero", 9), 0);
  EXPECT_EQ(read.integer("old", 0), 5);
  EXPECT_TRUE(std::holds_alternative<OpaqueAttribute>(read.find("types")->content));
  EXPECT_TRUE(std::holds_alternative<OpaqueAttribute>(read.find("newest")->content));
}

TEST(ReadModel, InitializersAmongTheInputs) {
  const Model model = read_of(Message()
                                  .message(1, node_message("Add", {"x", "w"}, {"y"}))
                                  .message(5, scalar_initializer("w", 2))
                                  .message(11, value_message("w", 1, {}))
                                  .message(11, value_message("x"))
                                  .message(12, value_message("y")));
  ASSERT_EQ(model.graph.inputs.size(), 1U);
  EXPECT_EQ(model.graph[model.graph.inputs[0]].name, "x");
  const Tensor* weight = model.graph.constant_input(model.graph.nodes[0], 1);
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(to_doubles(*weight), std::vector<double>{2});
  EXPECT_TRUE(model.graph[*model.graph.find_value("w")].also_input);
}

TEST(ReadModel, NodesAreNamedAndSorted) {
  const Message graph = Message()
                            .message(1, node_message("Neg", {"b"}, {"c"}, "same"))
                            .message(1, node_message("Abs", {"a"}, {"b"}, "same"))
                            .message(1, node_message("Relu", {"x"}, {"a"}))
                            .message(11, value_message("x"))
                            .message(12, value_message("c"));
  const Model model = read_of(graph);
  ASSERT_EQ(model.graph.nodes.size(), 3U);
  EXPECT_EQ(model.graph.nodes[0].name, "Relu:a");
  EXPECT_EQ(model.graph.nodes[1].name, "same_2");
  EXPECT_EQ(model.graph.nodes[2].name, "same");
  ASSERT_EQ(model.warnings.size(), 2U);
  EXPECT_THAT(model.warnings[0], HasSubstr("'same'"));
  EXPECT_THAT(model.warnings[1], HasSubstr("not in order"));
}

// x, c -> If(c) { then: Relu(x) } { else: Neg(w) } -> y
Message if_graph(const Message& then_branch, const Message& else_branch) {
  const Message node = node_message("If", {"c"}, {"y"})
                           .message(5, Message().text(1, "then_branch").integer(20, 5).message(6, then_branch))
                           .message(5, Message().text(1, "else_branch").integer(20, 5).message(6, else_branch));
  return Message()
      .message(1, node)
      .message(5, scalar_initializer("w", 2))
      .message(11, value_message("c", 9, {}))
      .message(11, value_message("x"))
      .message(12, value_message("y"));
}

Message branch(std::string_view type, std::string_view input) {
  return Message().message(1, node_message(type, {input}, {"out"})).message(12, Message().text(1, "out"));
}

TEST(ReadModel, SubGraphsCaptureWhatTheyDoNotDefine) {
  const Model model = read_of(if_graph(branch("Relu", "x"), branch("Neg", "w")));
  EXPECT_EQ(captured_names(model.graph.nodes[0]), (std::vector<std::string>{"x", "w"}));
  const auto then_graph = model.graph.nodes[0].graph("then_branch");
  ASSERT_NE(then_graph, nullptr);
  EXPECT_EQ(then_graph->outer.size(), 1U);
  EXPECT_EQ(then_graph->nodes[0].name, "Relu:out");
}

TEST(ReadModel, CapturesReachThroughGraphsBetween) {
  const Message inner_node = node_message("If", {"c"}, {"out"})
                                 .message(5, Message().text(1, "then_branch").integer(20, 5).message(6, branch("Relu", "x")))
                                 .message(5, Message().text(1, "else_branch").integer(20, 5).message(6, branch("Neg", "local")));
  const Message between =
      Message().message(1, inner_node).message(1, node_message("Abs", {"x"}, {"local"})).message(12, Message().text(1, "out"));
  const Model model = read_of(if_graph(between, branch("Neg", "w")));
  // `local` is of the graph between, which had to be sorted by that capture.
  EXPECT_EQ(captured_names(model.graph.nodes[0]), (std::vector<std::string>{"c", "x", "w"}));
  EXPECT_EQ(model.graph.nodes[0].graph("then_branch")->nodes[0].type, "Abs");
  EXPECT_EQ(model.warnings.size(), 1U);
}

TEST(ReadModel, RefusesNamesThatNobodyDefines) {
  refused(model_message(if_graph(branch("Relu", "nowhere"), branch("Neg", "w"))), "'nowhere' is read, but nothing makes it");
  refused(model_message(small_graph().message(1, node_message("Relu", {"lost"}, {"z"}, "reader"))), "node 'reader' (Relu)");
  refused(model_message(small_graph().message(12, value_message("lost"))), "'lost' is read");
}

TEST(ReadModel, RefusesNamesWithTwoSources) {
  refused(model_message(small_graph().message(1, node_message("Neg", {"x"}, {"y"}))), "'y' is defined twice");
  refused(model_message(small_graph().message(1, node_message("Neg", {"y"}, {"x"}))), "'x' is defined twice");
  refused(model_message(small_graph().message(11, value_message("x"))), "'x' is defined twice");
  refused(model_message(small_graph().message(5, scalar_initializer("w", 1)).message(5, scalar_initializer("w", 1))),
          "'w' is defined twice");
  refused(model_message(small_graph().message(5, scalar_initializer("x", 1)).message(5, scalar_initializer("x", 1))),
          "'x' is defined twice");
  refused(model_message(small_graph().message(5, scalar_initializer("", 1))), "has no name");
  refused(model_message(small_graph().message(5, scalar_initializer("y", 1))), "'y' is defined twice");
}

TEST(ReadModel, RefusesCycles) {
  refused(model_message(Message().message(1, node_message("Neg", {"b"}, {"a"})).message(1, node_message("Neg", {"a"}, {"b"}))), "cycle");
  refused(model_message(Message().message(1, node_message("Neg", {"a"}, {"a"}))), "cycle");
}

Message nested(int depth) {
  Message graph = branch("Relu", "x");
  for (int level = 1; level < depth; ++level) {
    graph =
        Message()
            .message(1, node_message("If", {"c"}, {"out"}).message(5, Message().text(1, "then_branch").integer(20, 5).message(6, graph)))
            .message(12, Message().text(1, "out"));
  }
  return if_graph(graph, branch("Neg", "w"));
}

TEST(ReadModel, SubGraphsMayNestOnlySoDeep) {
  EXPECT_EQ(captured_names(read_of(nested(16)).graph.nodes[0]), (std::vector<std::string>{"c", "x", "w"}));
  refused(model_message(nested(17)), "nested more than 16 deep");
  refused(model_message(nested(1000)), "nested more than 16 deep");
}

TEST(ReadModel, RefusesAttributesThatContradictThemselves) {
  const auto with = [](const Message& attribute) {
    return model_message(
        Message().message(1, node_message("Relu", {"x"}, {"y"}, "relu").message(5, attribute)).message(11, value_message("x")));
  };
  refused(with(Message().text(1, "a").integer(20, 1).integer(3, 1)), "attribute 'a', node 'relu' (Relu)");
  refused(with(Message().text(1, "a").integer(20, 2).integer(3, 1).number(2, 1)), "more than one kind");
  refused(with(Message().text(1, "a").integer(20, 5)), "no content");
  refused(with(Message().integer(20, 2).integer(3, 1)), "has no name");
  Message twice =
      node_message("Relu", {"x"}, {"y"}).message(5, Message().text(1, "a").integer(3, 1)).message(5, Message().text(1, "a").integer(3, 1));
  refused(model_message(Message().message(1, twice).message(11, value_message("x"))), "given twice");
  refused(model_message(small_graph().message(1, Message().text(1, "x"))), "has no operator type");
}

TEST(ReadModel, Versions) {
  refused(Message().integer(1, 8).message(7, small_graph()), "no opset_import");
  EXPECT_EQ(read(Message().integer(1, 1).message(7, small_graph())).opset(), 1);
  const Model newer = read(model_message(small_graph(), 14));
  ASSERT_EQ(newer.warnings.size(), 1U);
  EXPECT_THAT(newer.warnings[0], HasSubstr("14 is newer"));
  EXPECT_TRUE(read(model_message(small_graph(), 13)).warnings.empty());
  refused(model_message(small_graph(), -1), "IR version -1");
  refused(model_message(small_graph(), 8, 0), "version 0");
  const Model twice = read(model_message(small_graph(), 8, 11).message(8, Message().text(1, "ai.onnx").integer(2, 13)));
  EXPECT_EQ(twice.opset(), 13);
  EXPECT_EQ(twice.warnings.size(), 1U);
  const Model functions = read(model_message(small_graph()).message(25, Message().text(1, "f")));
  EXPECT_THAT(functions.warnings.at(0), HasSubstr("1 function"));
}

TEST(ReadModel, TheLongNameOfTheDomainMeansTheShortOne) {
  const Message node = node_message("Relu", {"x"}, {"y"}).text(7, "ai.onnx");
  EXPECT_EQ(read_of(Message().message(1, node).message(11, value_message("x"))).graph.nodes[0].domain, "");
}

TEST(ReadModel, RefusesWhatIsNoModel) {
  const auto bytes = [](std::string_view text) {
    Message message;
    message.bytes = text;
    return message;
  };
  refused(bytes(""), "empty");
  refused(bytes(std::string(4096, '\0')), "full of zeros");
  refused(bytes("This is a poem, not a model.\n"), "this is a text");
  refused(bytes("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull");
  refused(bytes("<!DOCTYPE html><html>"), "web page");
  refused(bytes(std::string("PK\x03\x04\x14\0\0", 7)), "zip archive");
  refused(bytes(std::string("\x20\0\0\0ORTM", 8)), "(.ort) model");
  refused(bytes("\xff\xfe\xfd\x01"), "not an ONNX model");
  refused(Message().integer(1, 8), "no graph");
  refused(model_message(small_graph()).message(7, small_graph()), "more than one graph");
}

class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("titrate-read-test-" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder_ / "model");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::filesystem::path put(const std::string& name, std::string_view text) const {
    write_file_atomically(folder_ / name, text);
    return folder_ / name;
  }
  void refused_file(const std::filesystem::path& path, const std::string& words) const {
    expect_invalid([&] { std::ignore = read_model(path); }, words);
  }

  // A model in model/m.onnx whose initializer `w`, two floats, lies in an external file.
  [[nodiscard]] std::filesystem::path external(const std::vector<std::pair<std::string, std::string>>& entries,
                                               const Message& more = {}) const {
    Message tensor = tensor_message("w", 1, {2}).integer(14, 1);
    tensor.bytes += more.bytes;
    for (const auto& [key, value] : entries) tensor.message(13, Message().text(1, key).text(2, value));
    return put("model/m.onnx", model_message(small_graph().message(5, tensor)).bytes);
  }
  void refused_external(const std::vector<std::pair<std::string, std::string>>& entries, const std::string& words) const {
    refused_file(external(entries), words);
  }

  std::filesystem::path folder_;
};

TEST_F(Files, MessagesBeginWithTheFilesName) {
  const std::string whole = model_message(small_graph()).bytes;
  refused_file(put("truncated-99.onnx", whole.substr(0, whole.size() - 1)), "truncated-99.onnx: the file is cut off");
  refused_file(put("truncated-50.onnx", whole.substr(0, whole.size() / 2)), "truncated-50.onnx: the file is cut off");
  refused_file(put("text.onnx", "a poem"), "text.onnx: this is a text");
  refused_file(put("evil\x1b[31m.onnx", "a poem"), "evil\\x1b[31m.onnx");
  refused_file(folder_ / "nowhere.onnx", "nowhere.onnx: No such file");
  refused_file(folder_ / "model", "model is a folder");
  refused_file("/dev/zero", "not a regular file");
}

TEST(ReadModel, CutOffAnywhere) {
  const std::string whole = model_message(if_graph(branch("Relu", "x"), branch("Neg", "w"))).bytes;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Message cut;
    cut.bytes = whole.substr(0, length);
    expect_invalid([&] { std::ignore = read(cut); }, "");
  }
}

TEST_F(Files, TensorsAreViewsOfTheMappedFile) {
  const auto path = put("m.onnx", model_message(small_graph().message(5, tensor_message("w", 2, {5}).text(9, "12345"))).bytes);
  Model model = read_model(path);
  std::filesystem::remove(path);  // the mapping outlives the name
  const Tensor tensor = *model.graph[*model.graph.find_value("w")].constant;
  model = Model();
  EXPECT_EQ(tensor.data<std::uint8_t>()[4], '5');
}

TEST_F(Files, ExternalData) {
  const std::vector<float> numbers = {0, 1.5F, -2};
  const std::string_view bytes(reinterpret_cast<const char*>(numbers.data()), 12);
  std::filesystem::create_directory(folder_ / "model/below");
  std::ignore = put("model/below/w.bin", bytes);
  const auto weights = [&](const std::filesystem::path& path) {
    const Model model = read_model(path);
    return to_doubles(*model.graph[*model.graph.find_value("w")].constant);
  };
  const std::vector<double> last_two = {1.5, -2};
  EXPECT_EQ(weights(external({{"location", "below/w.bin"}, {"offset", "4"}, {"length", "8"}})), last_two);
  EXPECT_EQ(weights(external({{"location", "./below//w.bin"}, {"offset", "4"}})), last_two);
  EXPECT_EQ(weights(external({{"location", "below/w.bin"}, {"offset", "4"}, {"checksum", "1234"}})), last_two);
  const auto path = external({{"location", "below/w.bin"}});
  EXPECT_EQ(stored_bytes(path), std::filesystem::file_size(path) + 12);
  // An address that does not fit floats is no reason to refuse.
  std::ignore = put("model/odd.bin", std::string("x") + std::string(bytes));
  EXPECT_EQ(weights(external({{"location", "odd.bin"}, {"offset", "5"}})), last_two);
  EXPECT_EQ(read_model(external({{"location", "below/w.bin"}, {"colour", "blue"}})).warnings.size(), 1U);
  // A path relative to the current folder.
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_ / "model");
  EXPECT_EQ(weights("m.onnx").size(), 2U);
  std::filesystem::current_path(before);
}

TEST_F(Files, ExternalDataStaysInTheModelsFolder) {
  std::ignore = put("secret.bin", "12345678");
  std::ignore = put("model/w.bin", "12345678");
  std::filesystem::create_symlink(folder_ / "secret.bin", folder_ / "model/link.bin");
  std::filesystem::create_symlink("w.bin", folder_ / "model/near.bin");
  std::filesystem::create_directory_symlink(folder_, folder_ / "model/up");
  std::filesystem::create_directory(folder_ / "model/inner");
  refused_external({{"location", (folder_ / "secret.bin").string()}}, "absolute path");
  refused_external({{"location", "../secret.bin"}}, "leads out");
  refused_external({{"location", "inner/../w.bin"}}, "leads out");
  refused_external({{"location", "link.bin"}}, "symbolic link");
  refused_external({{"location", "near.bin"}}, "symbolic link");
  refused_external({{"location", "up/secret.bin"}}, "symbolic link");
  refused_external({{"location", std::string("w.bin\0../secret.bin", 19)}}, "NUL");
  refused_external({{"location", ""}}, "has no name");
  refused_external({{"location", "."}}, "names a folder");
  refused_external({{"location", "inner"}}, "is a folder");
  refused_external({{"location", "missing.bin"}}, "'missing.bin' is missing");
  refused_external({{"location", "w.bin/more"}}, "cannot be opened");
  refused_external({}, "has no name");
  ASSERT_EQ(::mkfifo((folder_ / "model/pipe").c_str(), 0600), 0);
  refused_external({{"location", "pipe"}}, "not a regular file");
  const Message in_memory = model_message(
      small_graph().message(5, tensor_message("w", 1, {2}).integer(14, 1).message(13, Message().text(1, "location").text(2, "w.bin"))));
  refused(in_memory, "was not read from a folder");
}

TEST_F(Files, ExternalRangesLieInTheFile) {
  std::ignore = put("model/w.bin", "12345678");
  const auto range = [&](const std::string& offset, const std::string& length, const std::string& words) {
    refused_external({{"location", "w.bin"}, {"offset", offset}, {"length", length}}, words);
  };
  range("0", "4", "length of 4 bytes");
  range("0", "16", "length of 16 bytes");
  range("1", "8", "ends too early");
  range("9", "8", "should start at byte 9");
  range("18446744073709551615", "8", "should start at byte");
  range("18446744073709551616", "8", "not a number");
  range("0", "18446744073709551615", "length of");
  range("-1", "8", "not a number");
  range(" 0", "8", "not a number");
  range("0x0", "8", "not a number");
  range("", "8", "not a number");
  refused_external({{"location", "w.bin"}, {"offset", "1"}}, "ends too early");
  refused_file(external({{"location", "w.bin"}}, Message().text(9, "12345678")), "stored twice");
}

}  // namespace
}  // namespace titrate::engine
