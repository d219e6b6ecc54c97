#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/source.hpp"
#include "tests/datasets/data_files.hpp"

namespace titrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A grey picture of 21 x 19.
const std::string png = from_base64(
    "iVBORw0KGgoAAAANSUhEUgAAABUAAAATAQAAAABXNXsmAAAAV0lEQVR4nAFMALP/AAAAAAEAJSsCAuP4BAaaBgEh9BMBBEZWAk5fuAAJKqAEO2GzAuYFUAIgACgC4AOo"
    "AaWy+QKwA6gCAZOwAgTJUARRpfIAXe/4Ak3LAMtYFqMfaYxtAAAAAElFTkSuQmCC");

class PictureSourceTest : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& file : picture_source(folder_ / "p")->files()) result.push_back(file.lexically_relative(folder_ / "p").string());
    return result;
  }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)picture_source(folder_ / "p"); });
  }
  DataFolder folder_;
};

TEST_F(PictureSourceTest, FilesAreInByteOrder) {
  for (const char* name : {"p/10.png", "p/2.PNG", "p/B.jpg", "p/a.JPEG", "p/.hidden.png", "p/notes.txt"}) folder_.write(name, png);
  EXPECT_THAT(names(), ElementsAre("10.png", "2.PNG", "B.jpg", "a.JPEG"));
  const auto source = picture_source(folder_ / "p");
  EXPECT_EQ(source->row(1).shape(), (engine::Shape{19, 21, 3}));
  EXPECT_THAT(source->place(1), HasSubstr("2.PNG"));
  EXPECT_TRUE(source->classes().empty());
}

TEST_F(PictureSourceTest, SubFoldersAreClassesInOrder) {
  // As plain text "a-b/1.png" comes before "a/2.png".
  for (const char* name : {"p/a-b/1.png", "p/a/2.png", "p/a/1.png", "p/10/deep/x.png"}) folder_.write(name, png);
  EXPECT_THAT(names(), ElementsAre("10/deep/x.png", "a/1.png", "a/2.png", "a-b/1.png"));
  const auto source = picture_source(folder_ / "p");
  EXPECT_THAT(source->classes(), ElementsAre("10", "a", "a-b"));
  EXPECT_EQ(source->class_of(0), 0);
  EXPECT_EQ(source->class_of(2), 1);
  EXPECT_EQ(source->class_of(3), 2);
}

TEST_F(PictureSourceTest, GivesADatasetWithLabels) {
  for (const char* name : {"p/cat/1.png", "p/dog/1.png"}) folder_.write(name, png);
  const auto data =
      open_dataset({(folder_ / "p").string(), std::nullopt, {expected_input("x", engine::DataType::float32, {-1, 3, 19, 21})}});
  EXPECT_EQ(data->sample(1)[0].shape(), (engine::Shape{1, 3, 19, 21}));
  EXPECT_THAT(data->labels(1).data<std::int64_t>(), ElementsAre(1));
  EXPECT_THAT(data->description(), HasSubstr(R"(["cat","dog"])"));
  EXPECT_THAT(error_of([&] { check_labels(*data, 1); }), AllOf(HasSubstr("label 1"), HasSubstr("dog")));
}

TEST_F(PictureSourceTest, RefusesWhatIsNotClear) {
  EXPECT_THAT(error(), HasSubstr("cannot be read"));
  std::filesystem::create_directories(folder_ / "p");
  EXPECT_THAT(error(), HasSubstr("empty"));
  folder_.write("p/a/1.png", png);
  folder_.write("p/2.png", png);
  EXPECT_THAT(error(), HasSubstr("both pictures and sub-folders"));
  std::filesystem::remove_all(folder_ / "p/a");
  folder_.write("p/3.webp", "x");
  EXPECT_THAT(error(), AllOf(HasSubstr("3.webp"), HasSubstr("JPEG or PNG")));
}

TEST_F(PictureSourceTest, LinksStayInsideTheFolder) {
  folder_.write("p/1.png", png);
  folder_.write("outside.png", png);
  std::filesystem::create_symlink("1.png", folder_ / "p/2.png");
  EXPECT_THAT(names(), ElementsAre("1.png", "2.png"));
  std::filesystem::create_symlink("../outside.png", folder_ / "p/3.png");
  EXPECT_THAT(error(), AllOf(HasSubstr("3.png"), HasSubstr("link")));
}

TEST_F(PictureSourceTest, ADamagedPictureIsNamedWhenItIsRead) {
  folder_.write("p/1.png", png);
  folder_.write("p/2.png", png.substr(0, 100));
  const auto source = picture_source(folder_ / "p");
  EXPECT_THAT(error_of([&] { (void)source->row(1); }), HasSubstr("2.png"));
}

}  // namespace
}  // namespace titrate
