/**
 * The part of TensorFlow's C API that the runtime calls, with the C declaration beside each symbol
 * (tensorflow/c/c_api.h, tensorflow/c/eager/c_api.h, tensorflow/c/tf_tensor.h, tensorflow/c/tf_tstring.h).
 * C widths are exact: `int` is i32, `int64_t` i64, `size_t` usize, `unsigned char` u8.
 */

/** `struct TF_Output { TF_Operation* oper; int index; }`, passed by value: 16 bytes with its padding. */
const TF_Output = { struct: ["pointer", "i32"] } as const;

/** Bytes of one `TF_Output` in an array of them. */
const TF_OUTPUT_BYTES = 16;

/** Which output of which operation (`TF_Operation*`). */
export interface TfOutput {
  readonly operation: Deno.PointerValue;
  readonly index: number;
}

/** `TF_Output[]`; of one, also what is passed by value. */
export function packOutputs(outputs: readonly TfOutput[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(outputs.length * TF_OUTPUT_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, { operation, index }] of outputs.entries()) {
    view.setBigUint64(i * TF_OUTPUT_BYTES, BigInt(Deno.UnsafePointer.value(operation)), true);
    view.setInt32(i * TF_OUTPUT_BYTES + 8, index, true);
  }
  return bytes;
}

export const SYMBOLS = {
  // const char* TF_Version(void)
  TF_Version: { parameters: [], result: "pointer" },
  // void tsl::enable_tensor_float_32_execution(bool)
  enableTensorFloat32: {
    name: "_ZN3tsl32enable_tensor_float_32_executionEb",
    parameters: ["bool"],
    result: "void",
    optional: true,
  },
  // bool tensorflow::IsGoogleCudaEnabled(): nothing in the C API tells (tensorflow/core/util/port.h)
  isGoogleCudaEnabled: {
    name: "_ZN10tensorflow19IsGoogleCudaEnabledEv",
    parameters: [],
    result: "bool",
    optional: true,
  },

  // TF_Status* TF_NewStatus(void); TF_Code TF_GetCode(const TF_Status*); const char* TF_Message(const TF_Status*)
  TF_NewStatus: { parameters: [], result: "pointer" },
  // void TF_SetStatus(TF_Status*, TF_Code, const char* msg)
  TF_SetStatus: { parameters: ["pointer", "i32", "buffer"], result: "void" },
  TF_GetCode: { parameters: ["pointer"], result: "i32" },
  TF_Message: { parameters: ["pointer"], result: "pointer" },

  // TF_Buffer* TF_NewBuffer(void); void TF_DeleteBuffer(TF_Buffer*)
  TF_NewBuffer: { parameters: [], result: "pointer" },
  TF_DeleteBuffer: { parameters: ["pointer"], result: "void" },
  // TF_Buffer* TF_NewBufferFromString(const void* proto, size_t proto_len)
  TF_NewBufferFromString: { parameters: ["buffer", "usize"], result: "pointer" },

  // TF_Tensor* TF_AllocateTensor(TF_DataType, const int64_t* dims, int num_dims, size_t len)
  TF_AllocateTensor: { parameters: ["i32", "buffer", "i32", "usize"], result: "pointer" },
  // void TF_DeleteTensor(TF_Tensor*)
  TF_DeleteTensor: { parameters: ["pointer"], result: "void" },
  // TF_DataType TF_TensorType(const TF_Tensor*)
  TF_TensorType: { parameters: ["pointer"], result: "i32" },
  // void* TF_TensorData(const TF_Tensor*); size_t TF_TensorByteSize(const TF_Tensor*)
  TF_TensorData: { parameters: ["pointer"], result: "pointer" },
  TF_TensorByteSize: { parameters: ["pointer"], result: "usize" },
  // int64_t TF_TensorElementCount(const TF_Tensor*)
  TF_TensorElementCount: { parameters: ["pointer"], result: "i64" },

  // void TF_StringInit(TF_TString*); void TF_StringCopy(TF_TString* dst, const char* src, size_t size)
  TF_StringInit: { parameters: ["pointer"], result: "void" },
  TF_StringCopy: { parameters: ["pointer", "buffer", "usize"], result: "void" },
  // void TF_StringDealloc(TF_TString*)
  TF_StringDealloc: { parameters: ["pointer"], result: "void" },
  // const char* TF_StringGetDataPointer(const TF_TString*); size_t TF_StringGetSize(const TF_TString*)
  TF_StringGetDataPointer: { parameters: ["pointer"], result: "pointer" },
  TF_StringGetSize: { parameters: ["pointer"], result: "usize" },

  // TFE_ContextOptions* TFE_NewContextOptions(void); void TFE_DeleteContextOptions(TFE_ContextOptions*)
  TFE_NewContextOptions: { parameters: [], result: "pointer" },
  TFE_DeleteContextOptions: { parameters: ["pointer"], result: "void" },
  // void TFE_ContextOptionsSetConfig(TFE_ContextOptions*, const void* proto, size_t proto_len, TF_Status*)
  TFE_ContextOptionsSetConfig: { parameters: ["pointer", "buffer", "usize", "pointer"], result: "void" },
  // void TFE_ContextOptionsSetDevicePlacementPolicy(TFE_ContextOptions*, TFE_ContextDevicePlacementPolicy)
  TFE_ContextOptionsSetDevicePlacementPolicy: { parameters: ["pointer", "i32"], result: "void" },
  // TFE_Context* TFE_NewContext(const TFE_ContextOptions*, TF_Status*)
  TFE_NewContext: { parameters: ["pointer", "pointer"], result: "pointer" },
  // TF_DeviceList* TFE_ContextListDevices(TFE_Context*, TF_Status*); void TF_DeleteDeviceList(TF_DeviceList*)
  TFE_ContextListDevices: { parameters: ["pointer", "pointer"], result: "pointer" },
  TF_DeleteDeviceList: { parameters: ["pointer"], result: "void" },
  // int TF_DeviceListCount(const TF_DeviceList*)
  TF_DeviceListCount: { parameters: ["pointer"], result: "i32" },
  // const char* TF_DeviceListName(const TF_DeviceList*, int index, TF_Status*)
  TF_DeviceListName: { parameters: ["pointer", "i32", "pointer"], result: "pointer" },
  // int64_t TF_DeviceListMemoryBytes(const TF_DeviceList*, int index, TF_Status*)
  TF_DeviceListMemoryBytes: { parameters: ["pointer", "i32", "pointer"], result: "i64" },
  // const char* TF_DeviceListType(const TF_DeviceList*, int index, TF_Status*)
  TF_DeviceListType: { parameters: ["pointer", "i32", "pointer"], result: "pointer" },

  // void TFE_EnableCollectiveOps(TFE_Context*, const void* proto, size_t proto_len, TF_Status*)
  // (tensorflow/c/eager/c_api_experimental.h, as the next two); does not wait for the other processes
  TFE_EnableCollectiveOps: { parameters: ["pointer", "buffer", "usize", "pointer"], result: "void" },
  // void TFE_CollectiveOpsCheckPeerHealth(TFE_Context*, const char* task, int64_t timeout_in_ms, TF_Status*)
  TFE_CollectiveOpsCheckPeerHealth: { parameters: ["pointer", "buffer", "i64", "pointer"], result: "void" },
  // void TFE_AbortCollectiveOps(TFE_Context*, TF_Status*): all that wait now or later fail with that status
  TFE_AbortCollectiveOps: { parameters: ["pointer", "pointer"], result: "void" },

  // TFE_TensorHandle* TFE_NewTensorHandle(const TF_Tensor*, TF_Status*)
  TFE_NewTensorHandle: { parameters: ["pointer", "pointer"], result: "pointer" },
  // void TFE_DeleteTensorHandle(TFE_TensorHandle*)
  TFE_DeleteTensorHandle: { parameters: ["pointer"], result: "void" },
  // TF_Tensor* TFE_TensorHandleResolve(TFE_TensorHandle*, TF_Status*)
  TFE_TensorHandleResolve: { parameters: ["pointer", "pointer"], result: "pointer" },
  // TF_DataType TFE_TensorHandleDataType(TFE_TensorHandle*)
  TFE_TensorHandleDataType: { parameters: ["pointer"], result: "i32" },
  // int TFE_TensorHandleNumDims(TFE_TensorHandle*, TF_Status*)
  TFE_TensorHandleNumDims: { parameters: ["pointer", "pointer"], result: "i32" },
  // int64_t TFE_TensorHandleDim(TFE_TensorHandle*, int dim_index, TF_Status*)
  TFE_TensorHandleDim: { parameters: ["pointer", "i32", "pointer"], result: "i64" },

  // TFE_TensorHandle* TFE_TensorHandleCopyToDevice(TFE_TensorHandle*, TFE_Context*, const char* device_name, TF_Status*)
  TFE_TensorHandleCopyToDevice: {
    parameters: ["pointer", "pointer", "buffer", "pointer"],
    result: "pointer",
  },
  // TFE_Op* TFE_NewOp(TFE_Context*, const char* op_or_function_name, TF_Status*); void TFE_DeleteOp(TFE_Op*)
  TFE_NewOp: { parameters: ["pointer", "buffer", "pointer"], result: "pointer" },
  TFE_DeleteOp: { parameters: ["pointer"], result: "void" },
  // void TFE_OpAddInput(TFE_Op*, TFE_TensorHandle*, TF_Status*)
  TFE_OpAddInput: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  // void TFE_OpSetAttrString(TFE_Op*, const char* attr_name, const void* value, size_t length)
  TFE_OpSetAttrString: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  // void TFE_OpSetAttrStringList(TFE_Op*, const char* attr_name, const void* const* values, const size_t* lengths,
  //   int num_values)
  TFE_OpSetAttrStringList: { parameters: ["pointer", "buffer", "buffer", "buffer", "i32"], result: "void" },
  // void TFE_OpSetAttrInt(TFE_Op*, const char* attr_name, int64_t value)
  TFE_OpSetAttrInt: { parameters: ["pointer", "buffer", "i64"], result: "void" },
  // void TFE_OpSetAttrIntList(TFE_Op*, const char* attr_name, const int64_t* values, int num_values)
  TFE_OpSetAttrIntList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TFE_OpSetAttrFloat(TFE_Op*, const char* attr_name, float value)
  TFE_OpSetAttrFloat: { parameters: ["pointer", "buffer", "f32"], result: "void" },
  // void TFE_OpSetAttrFloatList(TFE_Op*, const char* attr_name, const float* values, int num_values)
  TFE_OpSetAttrFloatList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TFE_OpSetAttrBool(TFE_Op*, const char* attr_name, unsigned char value)
  TFE_OpSetAttrBool: { parameters: ["pointer", "buffer", "u8"], result: "void" },
  // void TFE_OpSetAttrBoolList(TFE_Op*, const char* attr_name, const unsigned char* values, int num_values)
  TFE_OpSetAttrBoolList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TFE_OpSetAttrType(TFE_Op*, const char* attr_name, TF_DataType value)
  TFE_OpSetAttrType: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  // void TFE_OpSetAttrTypeList(TFE_Op*, const char* attr_name, const TF_DataType* values, int num_values)
  TFE_OpSetAttrTypeList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // TF_AttrType TFE_OpGetAttrType(TFE_Op*, const char* attr_name, unsigned char* is_list, TF_Status*)
  TFE_OpGetAttrType: { parameters: ["pointer", "buffer", "buffer", "pointer"], result: "i32" },
  // void TFE_OpSetAttrShape(TFE_Op*, const char* attr_name, const int64_t* dims, int num_dims, TF_Status*)
  TFE_OpSetAttrShape: { parameters: ["pointer", "buffer", "buffer", "i32", "pointer"], result: "void" },
  // void TFE_Execute(TFE_Op*, TFE_TensorHandle** retvals, int* num_retvals, TF_Status*)
  TFE_Execute: { parameters: ["pointer", "buffer", "buffer", "pointer"], result: "void" },

  // TF_Graph* TF_NewGraph(void); void TF_DeleteGraph(TF_Graph*)
  TF_NewGraph: { parameters: [], result: "pointer" },
  TF_DeleteGraph: { parameters: ["pointer"], result: "void" },
  // void TF_GraphGetOpDef(TF_Graph*, const char* op_name, TF_Buffer* output_op_def, TF_Status*)
  TF_GraphGetOpDef: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "void" },
  // TF_OperationDescription* TF_NewOperation(TF_Graph*, const char* op_type, const char* oper_name)
  TF_NewOperation: { parameters: ["pointer", "buffer", "buffer"], result: "pointer" },
  // void TF_AddInput(TF_OperationDescription*, TF_Output)
  TF_AddInput: { parameters: ["pointer", TF_Output], result: "void" },
  // void TF_AddInputList(TF_OperationDescription*, const TF_Output* inputs, int num_inputs)
  TF_AddInputList: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrString(TF_OperationDescription*, const char* attr_name, const void* value, size_t length)
  TF_SetAttrString: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  // void TF_SetAttrStringList(TF_OperationDescription*, const char* attr_name, const void* const* values,
  //   const size_t* lengths, int num_values)
  TF_SetAttrStringList: { parameters: ["pointer", "buffer", "buffer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrInt(TF_OperationDescription*, const char* attr_name, int64_t value)
  TF_SetAttrInt: { parameters: ["pointer", "buffer", "i64"], result: "void" },
  // void TF_SetAttrIntList(TF_OperationDescription*, const char* attr_name, const int64_t* values, int num_values)
  TF_SetAttrIntList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrFloat(TF_OperationDescription*, const char* attr_name, float value)
  TF_SetAttrFloat: { parameters: ["pointer", "buffer", "f32"], result: "void" },
  // void TF_SetAttrFloatList(TF_OperationDescription*, const char* attr_name, const float* values, int num_values)
  TF_SetAttrFloatList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrBool(TF_OperationDescription*, const char* attr_name, unsigned char value)
  TF_SetAttrBool: { parameters: ["pointer", "buffer", "u8"], result: "void" },
  // void TF_SetAttrBoolList(TF_OperationDescription*, const char* attr_name, const unsigned char* values, int num_values)
  TF_SetAttrBoolList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrType(TF_OperationDescription*, const char* attr_name, TF_DataType value)
  TF_SetAttrType: { parameters: ["pointer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrTypeList(TF_OperationDescription*, const char* attr_name, const TF_DataType* values, int num_values)
  TF_SetAttrTypeList: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrShape(TF_OperationDescription*, const char* attr_name, const int64_t* dims, int num_dims)
  TF_SetAttrShape: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "void" },
  // void TF_SetAttrTensor(TF_OperationDescription*, const char* attr_name, TF_Tensor* value, TF_Status*)
  TF_SetAttrTensor: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "void" },
  // TF_Operation* TF_FinishOperation(TF_OperationDescription*, TF_Status*)
  TF_FinishOperation: { parameters: ["pointer", "pointer"], result: "pointer" },
  // int TF_OperationNumOutputs(TF_Operation*); TF_DataType TF_OperationOutputType(TF_Output)
  TF_OperationNumOutputs: { parameters: ["pointer"], result: "i32" },
  TF_OperationOutputType: { parameters: [TF_Output], result: "i32" },
  // int TF_GraphGetTensorNumDims(TF_Graph*, TF_Output, TF_Status*)
  TF_GraphGetTensorNumDims: { parameters: ["pointer", TF_Output, "pointer"], result: "i32" },
  // void TF_GraphGetTensorShape(TF_Graph*, TF_Output, int64_t* dims, int num_dims, TF_Status*)
  TF_GraphGetTensorShape: { parameters: ["pointer", TF_Output, "buffer", "i32", "pointer"], result: "void" },
  // void TF_SetAttrFuncName(TF_OperationDescription*, const char* attr_name, const char* value, size_t length)
  TF_SetAttrFuncName: { parameters: ["pointer", "buffer", "buffer", "usize"], result: "void" },
  // TF_Function* TF_GraphToFunction(const TF_Graph* fn_body, const char* fn_name, unsigned char append_hash_to_fn_name,
  //   int num_opers, const TF_Operation* const* opers, int ninputs, const TF_Output* inputs, int noutputs,
  //   const TF_Output* outputs, const char* const* output_names, const TF_FunctionOptions*, const char* description, TF_Status*)
  TF_GraphToFunction: {
    parameters: [
      "pointer",
      "buffer",
      "u8",
      "i32",
      "pointer",
      "i32",
      "buffer",
      "i32",
      "buffer",
      "pointer",
      "pointer",
      "pointer",
      "pointer",
    ],
    result: "pointer",
  },
  // void TF_DeleteFunction(TF_Function*)
  TF_DeleteFunction: { parameters: ["pointer"], result: "void" },
  // void TFE_ContextAddFunction(TFE_Context*, TF_Function*, TF_Status*)
  TFE_ContextAddFunction: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  // void TFE_ContextRemoveFunction(TFE_Context*, const char* name, TF_Status*)
  TFE_ContextRemoveFunction: { parameters: ["pointer", "buffer", "pointer"], result: "void" },
  // void TFE_ContextGetFunctionDef(TFE_Context*, const char* function_name, TF_Buffer*, TF_Status*)
  // (tensorflow/c/eager/c_api_experimental.h)
  TFE_ContextGetFunctionDef: { parameters: ["pointer", "buffer", "pointer", "pointer"], result: "void" },

  // TF_ImportGraphDefOptions* TF_NewImportGraphDefOptions(void); void TF_DeleteImportGraphDefOptions(TF_ImportGraphDefOptions*)
  TF_NewImportGraphDefOptions: { parameters: [], result: "pointer" },
  TF_DeleteImportGraphDefOptions: { parameters: ["pointer"], result: "void" },
  // void TF_GraphImportGraphDef(TF_Graph*, const TF_Buffer* graph_def, const TF_ImportGraphDefOptions*, TF_Status*)
  TF_GraphImportGraphDef: { parameters: ["pointer", "pointer", "pointer", "pointer"], result: "void" },
  // TF_Operation* TF_GraphOperationByName(TF_Graph*, const char* oper_name)
  TF_GraphOperationByName: { parameters: ["pointer", "buffer"], result: "pointer" },

  // TF_SessionOptions* TF_NewSessionOptions(void); void TF_DeleteSessionOptions(TF_SessionOptions*)
  TF_NewSessionOptions: { parameters: [], result: "pointer" },
  TF_DeleteSessionOptions: { parameters: ["pointer"], result: "void" },
  // void TF_SetConfig(TF_SessionOptions*, const void* proto, size_t proto_len, TF_Status*)
  TF_SetConfig: { parameters: ["pointer", "buffer", "usize", "pointer"], result: "void" },
  // TF_Session* TF_NewSession(TF_Graph*, const TF_SessionOptions*, TF_Status*)
  TF_NewSession: { parameters: ["pointer", "pointer", "pointer"], result: "pointer" },
  // TF_Session* TF_LoadSessionFromSavedModel(const TF_SessionOptions*, const TF_Buffer* run_options, const char* export_dir,
  //   const char* const* tags, int tags_len, TF_Graph*, TF_Buffer* meta_graph_def, TF_Status*)
  TF_LoadSessionFromSavedModel: {
    parameters: ["pointer", "pointer", "buffer", "buffer", "i32", "pointer", "pointer", "pointer"],
    result: "pointer",
  },
  // void TF_CloseSession(TF_Session*, TF_Status*); void TF_DeleteSession(TF_Session*, TF_Status*)
  TF_CloseSession: { parameters: ["pointer", "pointer"], result: "void" },
  TF_DeleteSession: { parameters: ["pointer", "pointer"], result: "void" },
  // void TF_SessionRun(TF_Session*, const TF_Buffer* run_options, const TF_Output* inputs, TF_Tensor* const* input_values,
  //   int ninputs, const TF_Output* outputs, TF_Tensor** output_values, int noutputs,
  //   const TF_Operation* const* target_opers, int ntargets, TF_Buffer* run_metadata, TF_Status*)
  TF_SessionRun: {
    parameters: [
      "pointer",
      "pointer",
      "buffer",
      "buffer",
      "i32",
      "buffer",
      "buffer",
      "i32",
      "pointer",
      "i32",
      "pointer",
      "pointer",
    ],
    result: "void",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The bound functions. */
export type Symbols = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;
