// Graphs in the forms of old opsets, one for each change that raising an opset has to make, and some that must come through untouched.
#pragma once

#include <string>
#include <vector>

#include "tests/engine/passes/sketch.hpp"

namespace titrate::engine {

struct OldForm {
  std::string name;
  Model model;
  std::vector<Tensor> inputs;
  int last_in_onnxruntime = most_opset;  ///< ONNX Runtime 1.30 has no kernel for later versions of an operator in it
  bool runs_here = true;                 ///< whether our executor runs the old form too
};

inline OldForm form(std::string name, const Sketch& sketch, std::vector<Tensor> inputs) {
  OldForm made;
  made.name = std::move(name);
  made.model = sketch.model();
  made.inputs = std::move(inputs);
  return made;
}

inline std::vector<OldForm> forms_of_inputs() {
  std::vector<OldForm> forms;
  forms.push_back(form("clip with both limits",
                       Sketch(7).input("x", {2, 5}).node("Clip", {"x"}, {"y"}, {real("min", -0.25F), real("max", 0.5F)}).output("y"),
                       {numbers({2, 5})}));
  forms.push_back(form("clip from above", Sketch(7).input("x", {2, 5}).node("Clip", {"x"}, {"y"}, {real("max", 0.125F)}).output("y"),
                       {numbers({2, 5})}));
  forms.push_back(
      form("pad with a number",
           Sketch(7).input("x", {1, 2, 3}).node("Pad", {"x"}, {"y"}, {ints("pads", {0, 0, 1, 0, 1, 2}), real("value", 1.5F)}).output("y"),
           {numbers({1, 2, 3})}));
  forms.push_back(form(
      "pad by reflection",
      Sketch(9).input("x", {1, 2, 4}).node("Pad", {"x"}, {"y"}, {text("mode", "reflect"), ints("pads", {0, 0, 2, 0, 0, 1})}).output("y"),
      {numbers({1, 2, 4})}));
  forms.push_back(form("slice of some axes",
                       Sketch(7)
                           .input("x", {4, 5, 6})
                           .node("Slice", {"x"}, {"y"}, {ints("axes", {0, 2}), ints("starts", {1, -4}), ints("ends", {3, 1000})})
                           .output("y"),
                       {numbers({4, 5, 6})}));
  forms.push_back(
      form("slice without axes",
           Sketch(9).input("x", {4, 5}).node("Slice", {"x"}, {"y"}, {ints("starts", {1, 0}), ints("ends", {-1, 2})}).output("y"),
           {numbers({4, 5})}));
  forms.push_back(form(
      "top 3",
      Sketch(7).input("x", {3, 6}).node("TopK", {"x"}, {"y", "i"}, {one("k", 3), one("axis", 1)}).output("y").output("i", DataType::int64),
      {numbers({3, 6})}));
  forms.push_back(
      form("split into sizes",
           Sketch(7).input("x", {5, 4}).node("Split", {"x"}, {"a", "b"}, {one("axis", 0), ints("split", {2, 3})}).output("a").output("b"),
           {numbers({5, 4})}));
  forms.push_back(
      form("split evenly",
           Sketch(7).input("x", {6, 4}).node("Split", {"x"}, {"a", "b", "c"}, {one("axis", 0)}).output("a").output("b").output("c"),
           {numbers({6, 4})}));
  forms.push_back(form(
      "dropout", Sketch(7).input("x", {3, 4}).node("Dropout", {"x"}, {"d"}, {real("ratio", 0.3F)}).node("Neg", {"d"}, {"y"}).output("y"),
      {numbers({3, 4})}));
  forms.push_back(form("dropout 10", Sketch(10).input("x", {3, 4}).node("Dropout", {"x"}, {"y", "mask"}, {real("ratio", 0.3F)}).output("y"),
                       {numbers({3, 4})}));
  forms.push_back(form("fourier transform", Sketch(17).input("x", {1, 4, 3, 1}).node("DFT", {"x"}, {"y"}, {one("axis", 1)}).output("y"),
                       {numbers({1, 4, 3, 1})}));
  return forms;
}

inline std::vector<OldForm> forms_of_axes() {
  std::vector<OldForm> forms;
  forms.push_back(form("squeeze and unsqueeze",
                       Sketch(7)
                           .input("x", {1, 3, 1, 2})
                           .node("Squeeze", {"x"}, {"s"}, {ints("axes", {0, 2})})
                           .node("Unsqueeze", {"s"}, {"y"}, {ints("axes", {1, 3})})
                           .output("y"),
                       {numbers({1, 3, 1, 2})}));
  forms.push_back(
      form("squeeze all, from behind",
           Sketch(11).input("x", {1, 3, 1}).node("Squeeze", {"x"}, {"s"}).node("Unsqueeze", {"s"}, {"y"}, {ints("axes", {-1})}).output("y"),
           {numbers({1, 3, 1})}));
  for (const std::string type : {"Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"}) {
    forms.push_back(
        form("reduce 7 " + type,
             Sketch(7).input("x", {2, 3, 4}).node("Reduce" + type, {"x"}, {"y"}, {ints("axes", {0, 2}), one("keepdims", 0)}).output("y"),
             {positive({2, 3, 4})}));
    forms.push_back(form("reduce 11 " + type,
                         Sketch(11).input("x", {2, 3, 4}).node("Reduce" + type, {"x"}, {"y"}, {ints("axes", {-1})}).output("y"),
                         {positive({2, 3, 4})}));
    forms.push_back(
        form("reduce all " + type, Sketch(13).input("x", {2, 3}).node("Reduce" + type, {"x"}, {"y"}).output("y"), {positive({2, 3})}));
  }
  return forms;
}

inline std::vector<OldForm> forms_of_softmax() {
  std::vector<OldForm> forms;
  for (const std::string type : {"Softmax", "LogSoftmax", "Hardmax"}) {
    forms.push_back(
        form(type + " over three axes", Sketch(7).input("x", {2, 3, 2, 2}).node(type, {"x"}, {"y"}).output("y"), {numbers({2, 3, 2, 2})}));
    forms.push_back(
        form(type + " over channels", Sketch(7).input("x", {2, 5, 1, 1}).node(type, {"x"}, {"y"}).output("y"), {numbers({2, 5, 1, 1})}));
    forms.push_back(form(type + " over the last axis",
                         Sketch(9).input("x", {2, 3, 4}).node(type, {"x"}, {"y"}, {one("axis", 2)}).output("y"), {numbers({2, 3, 4})}));
    forms.push_back(form(type + " over all axes", Sketch(9).input("x", {2, 3}).node(type, {"x"}, {"y"}, {one("axis", 0)}).output("y"),
                         {numbers({2, 3})}));
    forms.push_back(form(type + " from behind", Sketch(11).input("x", {2, 3, 4}).node(type, {"x"}, {"y"}, {one("axis", -2)}).output("y"),
                         {numbers({2, 3, 4})}));
    forms.push_back(
        form(type + " of unknown sizes", Sketch(12).input("x", {-1, -1, 4}).node(type, {"x"}, {"y"}).output("y"), {numbers({2, 3, 4})}));
    forms.push_back(
        form(type + " of unknown rank", Sketch(12).unranked_input("x").node(type, {"x"}, {"y"}).output("y"), {numbers({2, 3, 4})}));
  }
  return forms;
}

inline std::vector<OldForm> forms_of_resize() {
  std::vector<OldForm> forms;
  const std::vector<float> up = {1, 1, 2, 3};
  const std::vector<float> down = {1, 1, 0.6F, 0.5F};
  const std::vector<float> mixed = {1, 1, 0.6F, 2.5F};
  for (const std::string mode : {"nearest", "linear"}) {
    forms.push_back(
        form("upsample 7 " + mode,
             Sketch(7).input("x", {1, 2, 3, 4}).node("Upsample", {"x"}, {"y"}, {text("mode", mode), attribute("scales", up)}).output("y"),
             {numbers({1, 2, 3, 4})}));
    forms.push_back(form(
        "upsample 9 " + mode,
        Sketch(9).input("x", {1, 2, 3, 4}).constant("s", floats(up)).node("Upsample", {"x", "s"}, {"y"}, {text("mode", mode)}).output("y"),
        {numbers({1, 2, 3, 4})}));
    forms.push_back(
        form("upsample 9 by fed scales " + mode,
             Sketch(9).input("x", {1, 2, 3, 4}).input("s", {4}).node("Upsample", {"x", "s"}, {"y"}, {text("mode", mode)}).output("y"),
             {numbers({1, 2, 3, 4}), floats(up)}));
    for (const auto& [name, scales] : {std::pair{"up ", up}, std::pair{"down ", down}, std::pair{"both ways ", mixed}}) {
      forms.push_back(form("resize 10 " + std::string(name) + mode,
                           Sketch(10)
                               .input("x", {1, 2, 5, 6})
                               .constant("s", floats(scales))
                               .node("Resize", {"x", "s"}, {"y"}, {text("mode", mode)})
                               .output("y"),
                           {numbers({1, 2, 5, 6})}));
      forms.push_back(
          form("resize 10 by fed scales " + std::string(name) + mode,
               Sketch(10).input("x", {1, 2, 5, 6}).input("s", {4}).node("Resize", {"x", "s"}, {"y"}, {text("mode", mode)}).output("y"),
               {numbers({1, 2, 5, 6}), floats(scales)}));
    }
  }
  for (const std::string rounding : {"floor", "round_prefer_floor"}) {
    forms.push_back(form("resize 11 of half pixels for nearest, " + rounding,
                         Sketch(11)
                             .input("x", {1, 1, 4, 5})
                             .constant("roi", Tensor::zeros(DataType::float32, {0}))
                             .constant("s", floats({1, 1, 2, 0.6F}))
                             .node("Resize", {"x", "roi", "s"}, {"y"},
                                   {text("coordinate_transformation_mode", "tf_half_pixel_for_nn"), text("nearest_mode", rounding)})
                             .output("y"),
                         {numbers({1, 1, 4, 5})}));
  }
  forms.push_back(form("resize 11 to sizes",
                       Sketch(11)
                           .input("x", {1, 1, 4, 5})
                           .constant("roi", Tensor::zeros(DataType::float32, {0}))
                           .constant("s", Tensor::zeros(DataType::float32, {0}))
                           .constant("sizes", int64s({1, 1, 7, 3}))
                           .node("Resize", {"x", "roi", "s", "sizes"}, {"y"}, {text("mode", "linear")})
                           .output("y"),
                       {numbers({1, 1, 4, 5})}));
  return forms;
}

inline std::vector<OldForm> forms_of_normalizations() {
  std::vector<OldForm> forms;
  const auto batch_norm = [](int opset, Shape statistics, std::vector<Attribute> attributes) {
    return Sketch(opset)
        .input("x", {2, 3, 2, 2})
        .constant("scale", numbers(statistics, 2))
        .constant("bias", numbers(statistics, 3))
        .constant("mean", numbers(statistics, 4))
        .constant("variance", positive(statistics, 5))
        .node("BatchNormalization", {"x", "scale", "bias", "mean", "variance"}, {"y"}, std::move(attributes))
        .output("y");
  };
  forms.push_back(form("batch norm 7", batch_norm(7, {3}, {one("spatial", 1), real("epsilon", 1e-3F)}), {numbers({2, 3, 2, 2})}));
  forms.push_back(form("batch norm of activations", batch_norm(7, {3, 2, 2}, {one("spatial", 0)}), {numbers({2, 3, 2, 2})}));
  forms.back().runs_here = false;
  forms.push_back(form("batch norm 9", batch_norm(9, {3}, {}), {numbers({2, 3, 2, 2})}));
  const auto group_norm = [](bool constant) {
    Sketch sketch(18);
    sketch.input("x", {2, 6, 2});
    if (constant) sketch.constant("scale", numbers({3}, 2)).constant("bias", numbers({3}, 3));
    if (!constant) sketch.input("scale", {3}).input("bias", {3});
    return sketch.node("GroupNormalization", {"x", "scale", "bias"}, {"y"}, {one("num_groups", 3)}).output("y");
  };
  forms.push_back(form("group norm", group_norm(true), {numbers({2, 6, 2})}));
  forms.push_back(form("group norm of fed scales", group_norm(false), {numbers({2, 6, 2}), numbers({3}, 2), numbers({3}, 3)}));
  return forms;
}

inline std::vector<OldForm> forms_of_names() {
  std::vector<OldForm> forms;
  forms.push_back(form("scatter",
                       Sketch(9)
                           .input("x", {3, 3})
                           .constant("i", Tensor::of<std::int64_t>({2, 2}, {1, 0, 0, 2}))
                           .input("u", {2, 2})
                           .node("Scatter", {"x", "i", "u"}, {"y"}, {one("axis", 1)})
                           .output("y"),
                       {numbers({3, 3}), numbers({2, 2}, 7)}));
  for (const std::string mode : {"", "bilinear", "bicubic", "nearest"}) {
    std::vector<Attribute> attributes;
    if (!mode.empty()) attributes.push_back(text("mode", mode));
    forms.push_back(
        form("grid sample " + mode,
             Sketch(16).input("x", {1, 2, 4, 4}).input("g", {1, 3, 3, 2}).node("GridSample", {"x", "g"}, {"y"}, attributes).output("y"),
             {numbers({1, 2, 4, 4}), numbers({1, 3, 3, 2}, 9)}));
  }
  forms.push_back(
      form("align regions",
           Sketch(10)
               .input("x", {1, 2, 6, 6})
               .constant("rois", Tensor::of<float>({2, 4}, {0, 0, 4, 4, 1, 2, 5, 5}))
               .constant("of", int64s({0, 0}))
               .node("RoiAlign", {"x", "rois", "of"}, {"y"}, {one("output_height", 2), one("output_width", 2), one("sampling_ratio", 2)})
               .output("y"),
           {numbers({1, 2, 6, 6})}));
  forms.back().last_in_onnxruntime = 21;  // RoiAlign-22
  return forms;
}

// Bodies follow the model's opset.
inline std::vector<OldForm> forms_in_bodies() {
  const auto branch = [](float low) {
    return Sketch(9)
        .outer("x")
        .node("Clip", {"x"}, {low < 0 ? "c1" : "c2"}, {real("min", low)})
        .node("Softmax", {low < 0 ? "c1" : "c2"}, {low < 0 ? "b1" : "b2"})
        .output(low < 0 ? "b1" : "b2")
        .body();
  };
  const auto sketch = Sketch(9)
                          .input("x", {2, 3, 2})
                          .input("which", {}, DataType::boolean)
                          .node("If", {"which"}, {"y"}, {attribute("then_branch", branch(-0.5F)), attribute("else_branch", branch(0.25F))})
                          .output("y");
  std::vector<OldForm> forms;
  forms.push_back(form("then", sketch, {numbers({2, 3, 2}), Tensor::scalar(true)}));
  forms.push_back(form("else", sketch, {numbers({2, 3, 2}), Tensor::scalar(false)}));
  return forms;
}

// Listed as checked: nothing is rewritten, and the meaning must be the same.
inline std::vector<OldForm> forms_that_stay() {
  std::vector<OldForm> forms;
  forms.push_back(form("a small network",
                       Sketch(7)
                           .input("x", {1, 2, 7, 7})
                           .constant("w", numbers({4, 2, 3, 3}, 2))
                           .constant("b", numbers({4}, 3))
                           .constant("fc", numbers({36, 5}, 4))
                           .constant("fb", numbers({5}, 5))
                           .node("Conv", {"x", "w", "b"}, {"c"}, {text("auto_pad", "SAME_UPPER"), ints("kernel_shape", {3, 3})})
                           .node("LeakyRelu", {"c"}, {"r"}, {real("alpha", 0.1F)})
                           .node("LRN", {"r"}, {"l"}, {one("size", 3)})
                           .node("MaxPool", {"l"}, {"p"}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})})
                           .node("Flatten", {"p"}, {"f"})
                           .node("Gemm", {"f", "fc", "fb"}, {"y"}, {real("alpha", 0.5F)})
                           .output("y"),
                       {numbers({1, 2, 7, 7})}));
  for (const int counted : {0, 1}) {
    forms.push_back(form(
        "average pool, padding counted " + std::to_string(counted),
        Sketch(7)
            .input("x", {1, 2, 5, 5})
            .node("AveragePool", {"x"}, {"y"},
                  {ints("kernel_shape", {3, 3}), ints("strides", {2, 2}), ints("pads", {1, 1, 1, 1}), one("count_include_pad", counted)})
            .output("y"),
        {numbers({1, 2, 5, 5})}));
  }
  forms.push_back(form("pools that round up",
                       Sketch(10)
                           .input("x", {1, 2, 6, 6})
                           .node("MaxPool", {"x"}, {"m"}, {ints("kernel_shape", {3, 3}), ints("strides", {2, 2}), one("ceil_mode", 1)})
                           .node("AveragePool", {"m"}, {"y"}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2}), one("ceil_mode", 1)})
                           .output("y"),
                       {numbers({1, 2, 6, 6})}));
  forms.push_back(form("recurrent",
                       Sketch(7)
                           .input("x", {4, 1, 3})
                           .constant("w", numbers({1, 8, 3}, 2))
                           .constant("r", numbers({1, 8, 2}, 3))
                           .node("LSTM", {"x", "w", "r"}, {"y"}, {one("hidden_size", 2)})
                           .output("y"),
                       {numbers({4, 1, 3})}));
  forms.push_back(form("one hot",
                       Sketch(9)
                           .constant("i", int64s({0, 2, 5}))
                           .constant("depth", int64s({3}))
                           .constant("v", floats({0, 1}))
                           .input("x", {3, 3})
                           .node("OneHot", {"i", "depth", "v"}, {"o"})
                           .node("Mul", {"o", "x"}, {"y"})
                           .output("y"),
                       {numbers({3, 3})}));
  forms.push_back(form("arithmetic",
                       Sketch(8)
                           .input("x", {2, 3})
                           .constant("two", Tensor::scalar(2.0F))
                           .constant("slope", numbers({3}, 4))
                           .node("Pow", {"x", "two"}, {"a"})
                           .node("PRelu", {"x", "slope"}, {"b"})
                           .node("Max", {"a", "b"}, {"c"})
                           .node("Sum", {"c", "x", "two"}, {"d"})
                           .node("Transpose", {"d"}, {"y"})
                           .output("y"),
                       {numbers({2, 3})}));
  return forms;
}

inline std::vector<OldForm> old_forms() {
  std::vector<OldForm> all;
  for (auto group : {forms_of_inputs(), forms_of_axes(), forms_of_softmax(), forms_of_resize(), forms_of_normalizations(), forms_of_names(),
                     forms_in_bodies(), forms_that_stay()}) {
    std::move(group.begin(), group.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace titrate::engine
