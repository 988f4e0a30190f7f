# Turns schemas/sql/NNN_name.sql into one C file with every migration as a byte array.
# cmake -DOUT=FILE -DSQL_DIR=FOLDER -P embed.cmake
file(GLOB files RELATIVE ${SQL_DIR} ${SQL_DIR}/[0-9][0-9][0-9]_*.sql)
list(SORT files)
set(arrays "")
set(rows "")
foreach(f ${files})
  string(SUBSTRING ${f} 0 3 number)
  string(REGEX REPLACE "^0+" "" version ${number})
  get_filename_component(name ${f} NAME_WE)
  file(READ ${SQL_DIR}/${f} text)
  string(REGEX MATCH "^-- compatible-from: ([0-9]+)\n" found "${text}")
  if(NOT found)
    message(FATAL_ERROR "${f}: the first line must be '-- compatible-from: N'")
  endif()
  set(compatible ${CMAKE_MATCH_1})
  file(READ ${SQL_DIR}/${f} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char sql_${number}[] = {${bytes}0x00};\n")
  string(APPEND rows "    {${version}, ${compatible}, \"${name}\", (const char *)sql_${number}, sizeof(sql_${number}) - 1},\n")
endforeach()
file(WRITE ${OUT} "/* Generated from schemas/sql by embed.cmake. */
#include \"store/migrate.h\"

${arrays}
const struct migration store_migrations[] = {
${rows}};
const size_t store_migrations_count = sizeof(store_migrations) / sizeof(store_migrations[0]);
")
