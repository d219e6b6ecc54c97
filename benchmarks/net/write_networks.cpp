// Makes the files that the benchmarks of whole networks need.
//   write_networks FOLDER                    <name>.onnx of each network, and calibration.npz: four random images
//   write_networks --batch N IN.onnx OUT.onnx   the same model with another batch
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/net/networks.hpp"
#include "datasets/npz_writer.hpp"
#include "engine/base/error.hpp"
#include "engine/onnx/read.hpp"
#include "engine/onnx/write.hpp"

namespace titrate {
namespace {

int write_all(const std::string& folder) {
  for (const benchmarks::NetworkRow& row : benchmarks::networks)
    engine::save_model(row.make(), folder + "/" + std::string(row.name) + ".onnx");
  engine::Tensor images = engine::Tensor::uninitialized(engine::DataType::float32, {4, 3, 224, 224});
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (float& pixel : images.mutable_data<float>()) pixel = normal(random);
  write_npz(folder + "/calibration.npz", {{"image", images}});
  return 0;
}

int set_batch(std::int64_t batch, const std::string& from, const std::string& to) {
  engine::Model model = engine::read_model(from);
  for (engine::Value& value : model.graph.values) {
    // What the file says of the sizes in between is true for the old batch only; it is inferred anew.
    if (value.constant == nullptr && !value.is_initializer()) value.value_info_message.clear();
    const bool is_inner = value.constant == nullptr && value.info && value.info->shape;
    if (is_inner) value.info->shape.reset();
  }
  const engine::Model original = engine::read_model(from);
  for (const auto& ids : {model.graph.inputs, model.graph.outputs}) {
    for (const engine::ValueId id : ids) {
      model.graph[id].info = original.graph[id].info;
      if (model.graph[id].info && model.graph[id].info->shape && !model.graph[id].info->shape->empty()) {
        model.graph[id].info->shape->front() = {batch, ""};
      }
    }
  }
  engine::save_model(model, to);
  return 0;
}

int main_of(const std::vector<std::string>& words) {
  if (words.size() == 1) return write_all(words[0]);
  if (words.size() == 4 && words[0] == "--batch") return set_batch(std::stoll(words[1]), words[2], words[3]);
  std::fputs("write_networks FOLDER | write_networks --batch N IN.onnx OUT.onnx\n", stderr);
  return 2;
}

}  // namespace
}  // namespace titrate

int main(int count, char** words) {
  try {
    return titrate::main_of({words + 1, words + count});
  } catch (const titrate::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
