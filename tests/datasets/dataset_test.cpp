#include "datasets/dataset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "datasets/npy.hpp"
#include "datasets/npz_writer.hpp"
#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;
using engine::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  // Six samples of 1 x 2 x 3 floats: the first element of sample n is 10 n.
  void SetUp() override {
    Tensor good = Tensor::zeros(DataType::float32, {6, 1, 2, 3});
    for (std::size_t sample = 0; sample < 6; ++sample) good.mutable_data<float>()[6 * sample] = 10.0F * static_cast<float>(sample);
    write("good.npy", good);
    write("wide.npy", Tensor::zeros(DataType::float32, {6, 1, 2, 4}));
    write("bytes.npy", Tensor::zeros(DataType::uint8, {6, 1, 2, 3}));
    write("none.npy", Tensor::zeros(DataType::float32, {0, 1, 2, 3}));
    write("labels.npy", Tensor::of<std::int64_t>({6}, std::vector<std::int64_t>{0, 1, 0, 1, 0, -100}));
  }
  void write(const std::string& name, const Tensor& tensor) const { folder_.write(name, npy_bytes(tensor)); }
  [[nodiscard]] std::shared_ptr<const Dataset> open(const std::string& data, std::optional<std::string> labels = std::nullopt) const {
    if (labels) labels = (folder_ / *labels).string();
    return open_dataset({(folder_ / data).string(), labels, inputs_});
  }
  [[nodiscard]] std::shared_ptr<const Dataset> described(const std::string& text) const {
    folder_.write("data.json", text);
    return open("data.json");
  }
  [[nodiscard]] std::string error_for(const std::string& text) const {
    return error_of([&] { (void)described(text); });
  }
  // A description whose input "image" comes from `source`.
  static std::string image_from(const std::string& source, const std::string& rest = "") {
    return R"({"inputs": {"image": {"source": ")" + source + "\"}}" + rest + "}";
  }

  DataFolder folder_;
  std::vector<ExpectedInput> inputs_ = {expected_input("image", DataType::float32, {-1, 1, 2, 3})};
};

TEST_F(DatasetTest, ReadsADescriptionWithLabelsAndRange) {
  const auto data = described(image_from("good.npy", R"(, "labels": {"source": "labels.npy"}, "range": [2, 6])"));
  EXPECT_EQ(data->size(), 4);
  EXPECT_EQ(data->sample(0)[0].shape(), (Shape{1, 1, 2, 3}));
  EXPECT_EQ(data->sample(1)[0].data<float>()[0], 30);
  EXPECT_THAT(data->labels(1).data<std::int64_t>(), ElementsAre(1));
  EXPECT_THAT(data->place(1), HasSubstr("row 3 of"));
  EXPECT_THAT(data->files(), ElementsAre(folder_ / "good.npy", folder_ / "labels.npy"));
  EXPECT_THAT(data->description(), AllOf(HasSubstr("[2,6]"), HasSubstr("\"image\"")));
  EXPECT_THAT(error_of([&] { (void)data->sample(4); }), HasSubstr("no sample 4"));
}

TEST_F(DatasetTest, SaysWhatIsWrongWithADescription) {
  EXPECT_THAT(error_for(image_from("wide.npy")),
              AllOf(HasSubstr("[1,1,2,4]"), HasSubstr("[?,1,2,3]"), HasSubstr("wide.npy"), HasSubstr("'image'")));
  EXPECT_THAT(error_for(image_from("bytes.npy")), AllOf(HasSubstr("uint8"), HasSubstr("float32"), HasSubstr("\"cast\"")));
  EXPECT_THAT(error_for(image_from("none.npy")), AllOf(HasSubstr("empty"), HasSubstr("none.npy")));
  EXPECT_THAT(error_for(image_from("lost.npy")), AllOf(HasSubstr("lost.npy"), HasSubstr("'image'"), HasSubstr("data.json")));
  EXPECT_THAT(error_for(image_from("good.npy", R"(, "range": [2, 2])")), HasSubstr("range"));
  EXPECT_THAT(error_for(image_from("good.npy", R"(, "range": [0, 99999])")), AllOf(HasSubstr("99999"), HasSubstr("there are 6")));
  EXPECT_THAT(error_for(R"({"inputs": {"no_such_input": {"source": "good.npy"}}})"),
              AllOf(HasSubstr("no_such_input"), HasSubstr("'image'")));
  write("few.npy", Tensor::of<std::int64_t>({2}, std::vector<std::int64_t>{0, 1}));
  EXPECT_THAT(error_for(image_from("good.npy", R"(, "labels": {"source": "few.npy"})")),
              AllOf(HasSubstr("6 samples, but labels for 2"), HasSubstr("few.npy")));
  folder_.write("noise.npz", "PK but no archive");
  EXPECT_THAT(error_for(image_from("noise.npz:images")), HasSubstr("noise.npz"));
  EXPECT_THAT(error_for(image_from("noise.npz")), HasSubstr("noise.npz"));
  std::vector<std::byte> cut = npy_bytes(Tensor::zeros(DataType::float32, {6, 1, 2, 3}));
  cut.resize(200);
  folder_.write("cut.npy", cut);
  EXPECT_THAT(error_for(image_from("cut.npy")), AllOf(HasSubstr("cut.npy"), HasSubstr("cut short")));
  EXPECT_THAT(error_of([&] { (void)open("gone.json"); }), HasSubstr("gone.json"));
  EXPECT_THAT(error_of([&] { (void)open_dataset({"embedded", std::nullopt, inputs_}); }), HasSubstr("embedded"));
  EXPECT_THAT(error_of([] { (void)open_dataset({"x.npy", std::nullopt, {}}); }), HasSubstr("no inputs"));
}

TEST_F(DatasetTest, RefusesLabelsThatAreNoClass) {
  const auto with_labels = [&](std::vector<std::int64_t> labels) {
    write("some.npy", Tensor::of<std::int64_t>({6}, labels));
    return open("good.npy", "some.npy");
  };
  EXPECT_NO_THROW(check_labels(*with_labels({0, 1, 0, 1, 0, -100}), 2));
  EXPECT_THAT(error_of([&] {
                check_labels(*with_labels({0, 1, 2, 999999, 0, 1}), 10);
              }),
              AllOf(HasSubstr("label 999999"), HasSubstr("sample 3"), HasSubstr("some.npy"), HasSubstr("10 classes")));
  EXPECT_THAT(error_of([&] { check_labels(*with_labels({0, 1, -7, 1, 0, 1}), 10); }), AllOf(HasSubstr("label -7"), HasSubstr("sample 2")));
  EXPECT_THAT(error_of([&] { check_labels(*open("good.npy"), 10); }), HasSubstr("no labels"));
  write("targets.npy", Tensor::zeros(DataType::float64, {6, 2}));
  const auto targets = open("good.npy", "targets.npy");
  EXPECT_EQ(targets->labels(0).type(), DataType::float32);
  EXPECT_EQ(targets->labels(0).shape(), Shape{2});
  EXPECT_THAT(error_of([&] { check_labels(*targets, 10); }), HasSubstr("float"));
}

TEST_F(DatasetTest, CastsDataWithoutADescription) {
  EXPECT_EQ(open("bytes.npy")->sample(5)[0].type(), DataType::float32);
  inputs_ = {expected_input("image", DataType::int64, {-1, 1, 2, 3})};
  EXPECT_EQ(open("bytes.npy")->sample(5)[0].type(), DataType::int64);
  EXPECT_THAT(error_of([&] { (void)open("good.npy"); }), AllOf(HasSubstr("int64"), HasSubstr("float32")));
}

TEST_F(DatasetTest, ReadsAnNpzByTheNamesOfTheInputs) {
  inputs_ = {expected_input("b", DataType::float32, {2, -1, 3}), expected_input("rate", DataType::int64, {}),
             expected_input("a", DataType::float32, {1, 4})};
  const auto archive = [&](const std::string& name) {
    write_npz(folder_ / name, {{"a", Tensor::zeros(DataType::int16, {5, 4})},
                               {"b", Tensor::zeros(DataType::float32, {5, 2, 1, 3})},
                               {"rate", Tensor::of<std::int64_t>({5}, std::vector<std::int64_t>{8, 8, 8, 16, 8})},
                               {"labels", Tensor::of<std::uint8_t>({5}, std::vector<std::uint8_t>{4, 3, 2, 1, 0})}});
    return open(name);
  };
  const auto data = archive("all.npz");
  const std::vector<Tensor> sample = data->sample(3);
  EXPECT_EQ(sample[0].shape(), (Shape{2, 1, 3}));
  EXPECT_EQ(sample[1].shape(), Shape{});
  EXPECT_EQ(sample[1].data<std::int64_t>()[0], 16);
  EXPECT_EQ(sample[2].shape(), (Shape{1, 4}));
  EXPECT_EQ(sample[2].type(), DataType::float32);
  EXPECT_THAT(data->labels(0).data<std::int64_t>(), ElementsAre(4));
  inputs_.push_back(expected_input("mask", DataType::boolean, {1, 4}));
  EXPECT_THAT(error_of([&] { (void)open("all.npz"); }), AllOf(HasSubstr("'mask'"), HasSubstr("a, b, rate, labels"), HasSubstr("all.npz")));
  EXPECT_THAT(error_of([&] { (void)open("good.npy"); }), AllOf(HasSubstr("4 inputs"), HasSubstr("'rate'")));
}

TEST_F(DatasetTest, RefusesSourcesOfDifferentLength) {
  inputs_ = {expected_input("a", DataType::float32, {-1, 2}), expected_input("b", DataType::float32, {-1, 2})};
  write_npz(folder_ / "x.npz", {{"a", Tensor::zeros(DataType::float32, {5, 2})}, {"b", Tensor::zeros(DataType::float32, {4, 2})}});
  EXPECT_THAT(error_of([&] { (void)open("x.npz"); }), AllOf(HasSubstr("5 samples for 'a'"), HasSubstr("4 for 'b'")));
}

TEST_F(DatasetTest, AFixedBatchIsRefusedInWords) {
  inputs_ = {expected_input("image", DataType::float32, {8, 1, 2, 3})};
  EXPECT_THAT(error_of([&] { (void)open("good.npy"); }), AllOf(HasSubstr("fixed at 8"), HasSubstr("not supported")));
  inputs_ = {expected_input("image", DataType::float32, {1, 1, 2, 3})};
  EXPECT_EQ(open("good.npy")->size(), 6);
  inputs_ = {{"image", {DataType::float32, std::nullopt}}};
  EXPECT_EQ(open("good.npy")->sample(0)[0].shape(), (Shape{1, 1, 2, 3}));
}

TEST_F(DatasetTest, PartsAreCountedFromTheirFirstSample) {
  const auto whole = open("good.npy", "labels.npy");
  const auto part = part_of(whole, 1, 3);
  EXPECT_EQ(part->size(), 2);
  EXPECT_EQ(part->sample(0)[0].data<float>()[0], 10);
  EXPECT_THAT(part->labels(1).data<std::int64_t>(), ElementsAre(0));
  EXPECT_NE(part->description(), part_of(whole, 1, 4)->description());
  EXPECT_THAT(error_of([&] { (void)part->sample(2); }), HasSubstr("no sample 2"));
  EXPECT_THAT(error_of([&] { (void)part_of(whole, 3, 3); }), HasSubstr("there are 6"));
  EXPECT_THAT(error_of([&] { (void)part_of(whole, 0, 7); }), HasSubstr("there are 6"));
}

TEST_F(DatasetTest, SamplesAreReadByThreadsAtOnce) {
  const auto data = open("good.npy", "labels.npy");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (std::int64_t index = 0; index < 6000; ++index) {
        if (data->sample(index % 6)[0].data<float>()[0] != 10.0F * static_cast<float>(index % 6)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(DatasetTest, NamesFromFilesAreEscaped) {
  EXPECT_THAT(error_for(R"({"inputs": {"\u001b[2J": {"source": "good.npy"}}})"), AllOf(HasSubstr("\\x1b"), Not(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace titrate
