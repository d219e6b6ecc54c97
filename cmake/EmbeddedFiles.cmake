# The embedded task (datasets/embedded): its files are linked into the library; the recipe's tool is built on demand alone.
set(embedded ${PROJECT_SOURCE_DIR}/datasets/embedded)
set_source_files_properties(${embedded}/embedded_files.cpp PROPERTIES
  COMPILE_DEFINITIONS "TITRATE_EMBEDDED_FOLDER=\"${embedded}\""
  OBJECT_DEPENDS "${embedded}/glyphs.png;${embedded}/glyphs.onnx")

add_executable(dump_glyphs EXCLUDE_FROM_ALL ${embedded}/recipe/dump_glyphs.cpp)
target_link_libraries(dump_glyphs PRIVATE titrate titrate_options)
