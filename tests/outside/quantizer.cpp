// A quantizer of one's own, composed with the placement of static_int8: the first layer and the last stay float, and what Relu makes is cut
// off at 6.
#include <titrate/titrate.hpp>

#include <iostream>

namespace {

class FloatEnds : public titrate::Quantizer {
 public:
  [[nodiscard]] std::string name() const override { return "float ends"; }

  void annotate(const titrate::GraphDescription& graph, titrate::Annotations& annotations) const override {
    const titrate::NodeDescription* first = nullptr;
    const titrate::NodeDescription* last = nullptr;
    for (const titrate::NodeDescription& node : graph.nodes()) {
      const bool layer = node.type == "Conv" || node.type == "Gemm" || node.type == "MatMul";
      if (layer && first == nullptr) first = &node;
      if (layer) last = &node;
    }
    if (first == nullptr) return;
    annotations.leave_float(*first);
    if (last != first) annotations.leave_float(*last);
    for (const titrate::NodeDescription& node : graph.nodes()) {
      const titrate::Edge made = titrate::output_of(node.name);
      if (node.type == "Relu" && annotations.find(made) == nullptr) annotations.annotate(made, titrate::PlainSpec{.largest = 6.0F});
    }
  }
};

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    std::cerr << "usage: quantizer MODEL.onnx DATA\n";
    return 2;
  }
  const auto model = titrate::Model::load(words[1]);
  const auto data = titrate::Data::open(words[2], model);
  const FloatEnds mine;
  const auto rest = titrate::static_int8_quantizer("static_int8(calibrator=mse)");
  const titrate::QuantizedModel quantized = titrate::quantize(model, {mine, *rest}, &data);
  for (const titrate::QuantizedEdge& edge : quantized.edges) {
    const bool reads = edge.edge.side == titrate::Edge::Side::input;
    std::cout << edge.edge.node << (reads ? " reads " : " makes ") << edge.edge.index << ": " << edge.type << ", "
              << edge.parameters.scales.size() << " scales, by " << edge.quantizer << '\n';
  }
  for (const std::string& remark : quantized.remarks) std::cout << remark << '\n';
  std::cout << "top1 " << model.evaluate(data, "top1") << " -> " << quantized.model.evaluate(data, "top1") << ", " << model.size_bytes()
            << " -> " << quantized.model.size_bytes() << " bytes\n";
  return 0;
}
